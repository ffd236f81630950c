/**
 * Whether a command fetches a package and runs it, and whether it says exactly which. A package without its exact version
 * is new code at each start, from whoever holds the name that day.
 *
 * It reads words as the runners read them, and where it cannot be sure it says no: an option that it does not know may or
 * may not take the next word, so both readings must be exact (written `--option=value` there is only one). What a program of
 * one's own fetches by itself is not seen here.
 */

type Registry = 'npm' | 'python' | 'deno'

interface Runner {
  registry: Registry
  /** Words that come before the package, each list one way to say it; empty where the command alone is enough. */
  verbs: readonly (readonly string[])[]
  /** Options that name a package themselves. Where one stands, the first plain word is only a program's name. */
  packages: readonly string[]
  /** Options that name more packages, beside the first plain word. */
  also?: readonly string[]
  /** Options that take the next word. */
  values?: readonly string[]
  /** Options that stand alone. */
  flags: readonly string[]
  /** The first plain word is a file, not a package. */
  runsFiles?: boolean
}

const QUIET = ['-q', '--quiet', '-s', '--silent', '--verbose', '--offline', '--prefer-offline', '--ignore-scripts']
const NPM = {
  registry: 'npm',
  packages: ['-p', '--package'],
  values: ['-c', '--call', '--registry', '--cache', '--prefix', '--userconfig', '-w', '--workspace', '--loglevel'],
  flags: [...QUIET, '-y', '--yes', '-n', '--no', '--no-install', '--bun', '--prefer-online', '--no-audit', '--no-fund'],
} as const
const UV = {
  registry: 'python',
  packages: ['--from'],
  also: ['--with', '-w', '--with-requirements', '--with-editable'],
  values: [
    '-p',
    '--python',
    '--index',
    '--index-url',
    '--extra-index-url',
    '--default-index',
    '--directory',
    '--project',
  ],
  flags: [...QUIET, '--isolated', '--no-cache', '-n', '--refresh', '--no-config', '--no-progress', '--native-tls'],
} as const
const UV_RUN = {
  ...UV,
  packages: [],
  also: ['--with', '--with-requirements', '--with-editable'],
  runsFiles: true,
} as const

/** By the name of the program. */
const RUNNERS: Readonly<Record<string, readonly Runner[]>> = {
  npx: [{ ...NPM, verbs: [[]] }],
  pnpx: [{ ...NPM, verbs: [[]] }],
  bunx: [{ ...NPM, verbs: [[]] }],
  npm: [{ ...NPM, verbs: [['exec'], ['x'], ['init'], ['create'], ['innit']] }],
  pnpm: [{ ...NPM, verbs: [['dlx'], ['create']] }],
  yarn: [{ ...NPM, verbs: [['dlx'], ['create']] }],
  bun: [{ ...NPM, verbs: [['x'], ['create']] }],
  uvx: [{ ...UV, verbs: [[]] }],
  uv: [
    { ...UV, verbs: [['tool', 'run']] },
    { ...UV_RUN, verbs: [['run']] },
  ],
  pipx: [
    {
      registry: 'python',
      verbs: [['run']],
      packages: ['--spec'],
      also: ['--with'],
      values: ['--python', '--pip-args', '--index-url', '-i'],
      flags: [...QUIET, '--no-cache', '--pypackages'],
    },
  ],
  deno: [
    {
      registry: 'deno',
      verbs: [['run'], ['x'], ['serve'], []],
      packages: [],
      values: ['-c', '--config', '--import-map', '--lock', '--v8-flags', '-L', '--log-level', '--cert'],
      flags: [
        ...QUIET,
        '-A',
        '--allow-all',
        '-N',
        '-R',
        '-W',
        '-E',
        '-S',
        '-I',
        '--no-prompt',
        '--no-lock',
        '--cached-only',
      ],
      runsFiles: true,
    },
  ],
}

/** Programs whose arguments are another command, after what `skips` tells apart. */
const CARRIERS: Readonly<Record<string, (word: string) => boolean>> = {
  env: (word) => word.startsWith('-') || word.includes('='),
  corepack: () => false,
  cmd: (word) => word.startsWith('/'),
  nice: (word) => /^-/.test(word) || /^\d+$/.test(word),
  nohup: () => false,
}
const SHELLS = ['sh', 'bash', 'dash', 'zsh', 'ash', 'ksh', 'fish', 'pwsh', 'powershell']

/** @returns the package that would be fetched without an exact version, as it is written, or null */
export function unpinnedPackage(command: string, args: readonly string[]): string | null {
  for (const { runner, words } of runsOf(command, args)) {
    const found = firstUnpinned(runner, words)
    if (found !== null) return found
  }
  return null
}

/** @returns whether the first start may take as long as fetching and installing takes */
export function fetchesPackage(command: string, args: readonly string[]): boolean {
  return !runsOf(command, args).next().done
}

interface Run {
  runner: Runner
  /** What follows the verb. */
  words: readonly string[]
}

/** The runners in a command, through what only carries another command. */
function* runsOf(command: string, args: readonly string[]): Generator<Run> {
  const name = programName(command)
  if (SHELLS.includes(name)) return yield* runsInScript(args)
  const skips = CARRIERS[name]
  if (skips !== undefined) return yield* runsFrom(args.slice(args.findIndex((word) => !skips(word))))
  const script = name === 'node' ? args.findIndex((word) => !word.startsWith('-')) : -1
  if (/(^|[\\/])np[mx]-cli\.[cm]?js$/.test(args[script] ?? '')) return yield* runsFrom(args.slice(script))
  for (const runner of RUNNERS[name] ?? []) {
    const words = afterVerb(runner, args)
    if (words !== null) return yield { runner, words }
  }
}

function programName(command: string): string {
  return command
    .replace(/^.*[\\/]/, '')
    .replace(/\.(cmd|exe|ps1)$/i, '')
    .replace(/^(np[mx])-cli\.[cm]?js$/, '$1')
    .toLowerCase()
}

function* runsFrom([command, ...args]: readonly string[]): Generator<Run> {
  if (command !== undefined) yield* runsOf(command, args)
}

/** A shell's own text is not parsed, only looked through for the names of runners. */
function* runsInScript(args: readonly string[]): Generator<Run> {
  for (const text of args) {
    const words = text.split(/[\s;&|()'"`$]+/).filter((word) => word !== '')
    for (const [i, word] of words.entries()) {
      if (RUNNERS[programName(word)] !== undefined) yield* runsOf(word, words.slice(i + 1))
    }
  }
}

/** @returns the words after the verb, or null where this is another verb */
function afterVerb({ verbs }: Runner, args: readonly string[]): readonly string[] | null {
  for (const verb of verbs) {
    if (verb.length === 0) return args
    const at = args.findIndex((word, i) => word === verb[0] && args.slice(0, i).every((_, j) => isOptionPart(args, j)))
    if (at >= 0 && verb.every((word, i) => args[at + i] === word)) return args.slice(at + verb.length)
  }
  return null
}

/** An option, or perhaps the value of the one before. */
function isOptionPart(args: readonly string[], i: number): boolean {
  const before = args[i - 1] ?? ''
  return args[i]?.startsWith('-') === true || (before.startsWith('-') && !before.includes('='))
}

function firstUnpinned(runner: Runner, words: readonly string[]): string | null {
  const { packages, also = [], values = [], flags, registry } = runner
  let isNamed = false
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    const [option = '', value] = splitOption(word)
    if (word === '--') continue
    if (!word.startsWith('-')) {
      const isPackage = !isNamed && !(runner.runsFiles && !/^(npm|jsr|https?):/.test(word))
      return isPackage && !isExact(registry, word) ? word : null
    }
    if (packages.includes(option) || also.includes(option)) {
      if (packages.includes(option)) isNamed = true
      const wanted = value ?? words[++i] ?? ''
      const loose = wanted.split(',').find((one) => !isExact(registry, one))
      if (loose !== undefined) return loose
    } else if (values.includes(option)) {
      if (value === undefined) i++
    } else if (value === undefined && !flags.includes(option) && !option.startsWith('--allow-')) {
      const next = words[i + 1]
      if (next === undefined || next.startsWith('-')) continue
      if (!isNamed && !isExact(registry, next)) return next
      i++
    }
  }
  return null
}

function splitOption(word: string): [string, string | undefined] {
  const at = word.indexOf('=')
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

const SEMVER = String.raw`v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?`
const NPM_EXACT = new RegExp(String.raw`^(?:[\w.~-]+@npm:)?(?:@[\w.~-]+/)?[\w.~-]+@${SEMVER}$`)
const DENO_EXACT = new RegExp(String.raw`^(?:npm|jsr):/?(?:@[\w.~-]+/)?[\w.~-]+@${SEMVER}(?:/|$)`)
const PYTHON_EXACT = /^[\w.-]+(?:\[[\w.,-]+\])?(?:===?|@)\d[0-9A-Za-z.!+-]*$/
/** A commit names its bytes; a branch or a tag may move. */
const COMMIT = /^(?:git\+[\w+]*:|git:|github:|gitlab:|bitbucket:|[\w.-]+ ?@ ?git\+).*[#@][0-9a-f]{40}$/

function isExact(registry: Registry, wanted: string): boolean {
  // A path names what is already here.
  if (/^(\/|\.\.?\/|file:|[A-Za-z]:[\\/])/.test(wanted) || COMMIT.test(wanted)) return true
  if (registry === 'npm') return NPM_EXACT.test(wanted)
  return (registry === 'python' ? PYTHON_EXACT : DENO_EXACT).test(wanted)
}
