/**
 * The house proven from its source: which room may know which (floors.json), what has one door only, and how long a
 * file may grow. Each rule is a function of (path, source) so that it can be shown to fail on a bad sample here.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, posix } from 'node:path'
import { init, parse } from 'es-module-lexer'
import { beforeAll, describe, expect, test } from 'vitest'
import floors from '../floors.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '..')
const FLOORS = new Map<string, number>(Object.entries(floors))
const LONGEST_FILE = 400

interface Door {
  what: string
  /** Matched against the code without comments and without the contents of quoted strings. */
  code?: RegExp
  /** Where present, `code` counts only in a file that imports such a module: a room may have its own word for it. */
  codeNeeds?: RegExp
  /** Matched against each imported specifier. */
  imported?: RegExp
  openTo: RegExp
}

const DOORS: readonly Door[] = [
  {
    what: 'process.env is read',
    code: /\bprocess\s*(\?\.)?\s*(\[|(?:\.|(?<=\?\.))\s*env\b)|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/,
    imported: /^(node:)?process$/,
    openTo: /^src\/config(\.ts|\/)/,
  },
  {
    what: 'SQL is written',
    code: /\bsql(<[^`]*>)?`/,
    imported: /^(kysely|pg|node:sqlite)(\/|$)/,
    openTo: /^src\/store\/|-store\.ts$/,
  },
  {
    what: 'a socket listens',
    code: /\bcreate(Secure)?Server\b|\bnew (\w+\.)?Server\(|\.listen\(\s*(\d|\{|\w*port\b)/i,
    codeNeeds: /^(node:)?(http|https|http2|net|tls|dgram)$/,
    imported: /^@hono\/node-server$/,
    openTo: /^src\/http\//,
  },
  {
    what: 'a request goes out',
    // Called or handed on; a method of that name, as Hono's apps have, is something else.
    code: /(\b(await|return|void|yield)\s+|[=(,?:!&|[]\s*)fetch(\(|\s*[,;)\]}\n])|^\s*fetch\((?![^)]*\)\s*[:{])|globalThis\.fetch\b|\bnew (WebSocket|EventSource)\(/m,
    imported: /^undici(\/|$)/,
    openTo: /^src\/base\/(egress|safe-fetch)\.ts$|^src\/upstream\/|^src\/cli\//,
  },
  {
    what: 'a name is resolved, or a socket of another kind opened,',
    imported: /^(node:)?(https|http2|tls|dns|dns\/promises|dgram)$/,
    openTo: /^src\/base\/egress\.ts$/,
  },
  // What listens needs these too, and some read addresses with them; what they can dial with has its own door below.
  { what: 'node:http is used', imported: /^(node:)?http$/, openTo: /^src\/(http\/|identity\/oauth\/node\.ts$)/ },
  {
    what: 'node:net is used',
    imported: /^(node:)?net$/,
    openTo: /^src\/http\/|^src\/base\/egress\.ts$|^src\/config\/settings-schema\.ts$|^src\/cli\/doctor-portal\.ts$/,
  },
  {
    what: 'a socket goes out',
    code: /\b(https?|net)\s*\.\s*(request|get|connect|createConnection|Agent|Socket)\b|\bnew (Socket|Agent|ClientRequest)\(|\bimport\s*\{[^}]*\b(request|get|connect|createConnection|Agent|ClientRequest)\b[^}]*\}/,
    codeNeeds: /^(node:)?(http|net)$/,
    openTo: /^src\/base\/egress\.ts$|^src\/cli\/doctor-portal\.ts$/,
  },
  {
    what: 'the clock is read',
    code: /\bDate\.now\b|\bperformance\.now\b|\bnew Date\(\s*\)|\bhrtime\b/,
    openTo: /^src\/base\/clock\.ts$/,
  },
  {
    what: 'the terminal is written to',
    code: /\bconsole\s*\.|(?<![.#\w])process\.std(out|err)\b/,
    // The sandbox's own process has a pipe to the portal in its place.
    openTo: /^src\/cli\/|^src\/sandbox\/child\.ts$/,
  },
  {
    // Requests are routed on their raw target, once, in http/urls.ts: a URL made of it may be another one.
    what: 'a URL is taken apart where requests are served',
    code: /\bnew URL\((?![^()]*import\.meta)|\bURL\.(parse|canParse)\(/,
    openTo:
      /^src\/(base|config|contract|upstream|identity|store|cli)\/|^src\/(http\/guards|admin\/destination-gate|pages\/index|portal\/(?:resources|relay-question)|protocol\/skill)\.ts$/,
  },
  // Schemas of servers are data: compiled ones are code of the server's choice, at its price.
  { what: 'a JSON Schema is compiled', imported: /^(ajv|@cfworker|jsonschema|is-my-json-valid|@exodus)/, openTo: /^$/ },
  { what: 'the MCP SDK is used', imported: /^@modelcontextprotocol\//, openTo: /^src\/(protocol|upstream)\// },
]

/** Data, not procedure: these may be as long as they need. */
const LONG_BY_NATURE =
  /^src\/store\/(tables\.ts|migrations\/)|^src\/contract\/|^src\/config\/limits\.ts$|schema[\w-]*\.ts$/

beforeAll(() => init)

/** Every module specifier: static, dynamic, re-exported, and those of imports that exist for types only. */
function importsOf(source: string): string[] {
  // Stripping would drop type-only imports, and a type borrowed from the wrong room ties the rooms just as firmly.
  const kept = source.replace(/^(\s*(?:import|export))\s+type\b(?=\s*[{*]|\s+\w+\s+from\b)/gm, '$1     ')
  const [found] = parse(stripTypeScriptTypes(kept, { mode: 'strip' }))
  const named = found.flatMap(({ n }) => (n === undefined ? [] : [n]))
  const inTypes = [...withoutComments(source).matchAll(/\bimport\(\s*(['"])(.+?)\1/g)].map((match) => match[2] ?? '')
  return [...new Set([...named, ...inTypes])]
}

const LEXEMES = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g

function withoutComments(source: string): string {
  return source.replace(LEXEMES, (text) => (text.startsWith('/') ? ' ' : text))
}

/** Template literals stay, since code lives inside them. */
function codeOf(source: string): string {
  return source.replace(LEXEMES, (text) => (text.startsWith('`') ? text : text.startsWith('/') ? ' ' : "''"))
}

/** `src/upstream/pool.ts` is of the room `upstream`; `src/config.ts` and `src/config/yaml.ts` are of `config`. */
function roomOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '')
}

function floorFaults(path: string, source: string): string[] {
  const room = roomOf(path)
  const floor = FLOORS.get(room)
  if (floor === undefined) return [`${path}: the room "${room}" has no floor in floors.json`]
  return importsOf(source)
    .filter((specifier) => specifier.startsWith('.'))
    .flatMap((specifier) => {
      const target = posix.join(posix.dirname(path), specifier)
      const other = roomOf(target)
      if (!target.startsWith('src/')) return [`${path}: imports ${specifier}, which is outside src/`]
      if (other === room) return []
      const otherFloor = FLOORS.get(other)
      if (otherFloor !== undefined && otherFloor < floor) return []
      return [`${path}: ${room} (floor ${floor}) may not know ${other} (floor ${otherFloor ?? 'none'}): ${specifier}`]
    })
}

function doorFaults(path: string, source: string): string[] {
  const code = codeOf(source)
  const imported = importsOf(source)
  return DOORS.filter(({ openTo }) => !openTo.test(path)).flatMap((door) => {
    const byImport = imported.find((specifier) => door.imported?.test(specifier))
    const isMeant = door.codeNeeds === undefined || imported.some((specifier) => door.codeNeeds?.test(specifier))
    const byCode = isMeant ? door.code?.exec(code)?.[0].trim() : undefined
    const seen = byImport ?? byCode
    return seen === undefined ? [] : [`${path}: ${door.what} outside its one door: ${seen}`]
  })
}

function shapeFaults(path: string, source: string): string[] {
  const faults: string[] = []
  const lines = source.trimEnd().split('\n').length
  if (lines > LONGEST_FILE && !LONG_BY_NATURE.test(path))
    faults.push(`${path}: ${lines} lines, more than ${LONGEST_FILE}`)
  // An index.ts may be a table of its own; one that only hands on other files hides where things live.
  if (
    posix.basename(path) === 'index.ts' &&
    /^\s*export\s+(type\s+)?(\*|\{[^}]*\})[^;\n]*\bfrom\b/m.test(withoutComments(source))
  )
    faults.push(`${path}: a barrel`)
  if (!/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(source)) faults.push(`${path}: does not begin by saying what it is for`)
  return faults
}

/** The product's own files; tests stand outside the house and may walk through any door. */
/** What is read when a file is: by imports that are neither types nor waited for until they are needed. */
function readByStart(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  const [found] = parse(stripTypeScriptTypes(readFileSync(join(ROOT, path), 'utf8'), { mode: 'strip' }))
  for (const { n: specifier, d: dynamic } of found) {
    if (specifier === undefined || dynamic !== -1) continue
    if (specifier.startsWith('.')) readByStart(posix.join(posix.dirname(path), specifier), seen)
    else seen.add(specifier)
  }
  return seen
}

function sources(): { path: string; source: string }[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => posix.relative(ROOT, posix.join(entry.parentPath, entry.name)))
    .sort()
    .map((path) => ({ path, source: readFileSync(join(ROOT, path), 'utf8') }))
}

describe('the house as it stands', () => {
  test('there is a house to look at', () => {
    expect(sources().length).toBeGreaterThan(10)
  })
  // [HOUSE-1]
  test('a room imports only from lower floors, never sideways, types included', () => {
    expect(sources().flatMap(({ path, source }) => floorFaults(path, source))).toEqual([])
  })
  test('each thing that has one door is reached through it only', () => {
    expect(sources().flatMap(({ path, source }) => doorFaults(path, source))).toEqual([])
  })
  test('no file is over its length, a barrel, or silent about what it is for', () => {
    expect(sources().flatMap(({ path, source }) => shapeFaults(path, source))).toEqual([])
  })
  test('a start reads nothing of what only a sign-in, a page, a mail or a connection to an account needs', () => {
    const read = readByStart('src/app.ts')
    expect(read.has('pg')).toBe(true)
    const late = ['oidc-provider', 'nodemailer', '@modelcontextprotocol/client', 'src/pages/index.ts']
    expect(late.filter((one) => read.has(one))).toEqual([])
  })
})

describe('each rule can fail', () => {
  const badImports = [
    { when: 'a value from a higher floor', path: 'src/base/ids.ts', source: "import { x } from '../store/tables.ts'" },
    {
      when: 'a value from the same floor',
      path: 'src/policy/decide.ts',
      source: "import { x } from '../upstream/pool.ts'",
    },
    {
      when: 'only a type from a higher floor',
      path: 'src/base/log.ts',
      source: "import type { X } from '../audit/event.ts'",
    },
    { when: 'one type among braces', path: 'src/dlp/scan.ts', source: "import { type X } from '../identity/who.ts'" },
    {
      when: 'a type over several lines',
      path: 'src/dlp/scan.ts',
      source: "import type {\n  X,\n} from '../identity/who.ts'",
    },
    { when: 'a re-exported type', path: 'src/store/open.ts', source: "export type { X } from '../protocol/model.ts'" },
    {
      when: 'all types under a name',
      path: 'src/store/open.ts',
      source: "import type * as wire from '../protocol/model.ts'",
    },
    { when: 'everything re-exported', path: 'src/store/open.ts', source: "export * from '../protocol/model.ts'" },
    { when: 'a dynamic import', path: 'src/store/open.ts', source: "const x = await import('../protocol/model.ts')" },
    { when: 'an import inside a type', path: 'src/store/open.ts', source: "type X = import('../protocol/model.ts').X" },
    { when: 'a file outside src/', path: 'src/store/open.ts', source: "import { x } from '../../test/x.ts'" },
    { when: 'a room without a floor', path: 'src/utils/x.ts', source: 'export const x = 1' },
    { when: 'app from a room', path: 'src/http/server.ts', source: "import { startPortico } from '../app.ts'" },
  ]
  for (const { when, path, source } of badImports) {
    test(`floors: ${when} is a fault`, () => {
      expect(floorFaults(path, source)).toHaveLength(1)
    })
  }
  test('floors: lower rooms, own files, packages and commented imports are no fault', () => {
    const source = [
      "import type { Config } from '../config.ts'",
      "import { newId } from '../base/ids.ts'",
      "import { pool } from './pool.ts'",
      "import { z } from 'zod'",
      "// import { x } from '../portal/x.ts'",
    ].join('\n')
    expect(floorFaults('src/upstream/connection.ts', source)).toEqual([])
  })

  const badDoors = [
    { path: 'src/store/open.ts', source: 'const url = process.env.DATABASE_URL' },
    { path: 'src/store/open.ts', source: "const url = process['env'].DATABASE_URL" },
    { path: 'src/store/open.ts', source: 'const url = process?.env' },
    { path: 'src/store/open.ts', source: 'const { env } = process' },
    { path: 'src/store/open.ts', source: "import { env } from 'node:process'" },
    { path: 'src/portal/visit.ts', source: "import type { Kysely } from 'kysely'" },
    { path: 'src/audit/log.ts', source: "import { DatabaseSync } from 'node:sqlite'" },
    { path: 'src/admin/servers.ts', source: 'await sql`select 1`.execute(db)' },
    { path: 'src/admin/servers.ts', source: 'await sql<{ one: number }>`select 1`.execute(db)' },
    { path: 'src/cli/doctor-portal.ts', source: "import net from 'net'\nserver.listen(0)" },
    { path: 'src/base/egress.ts', source: "import * as net from 'node:net'\nnew net.Server(handle)" },
    { path: 'src/policy/facts.ts', source: 'await fetch(url)' },
    { path: 'src/policy/facts.ts', source: 'const answer = fetch(url)' },
    { path: 'src/policy/facts.ts', source: 'x()\nfetch(url)\n' },
    { path: 'src/policy/facts.ts', source: 'const get = globalThis.fetch' },
    { path: 'src/policy/facts.ts', source: 'openJwks(url, { agent, get: fetch })' },
    { path: 'src/policy/facts.ts', source: "import { Pool } from 'undici'" },
    { path: 'src/policy/facts.ts', source: "new WebSocket('ws://127.0.0.1')" },
    { path: 'src/base/secret.ts', source: "import { request } from 'undici'" },
    { path: 'src/upstream/http-target.ts', source: "import { connect } from 'node:tls'" },
    { path: 'src/upstream/http-target.ts', source: "import { lookup } from 'node:dns/promises'" },
    { path: 'src/cli/api.ts', source: "import dns from 'dns'" },
    { path: 'src/identity/facts.ts', source: "import https from 'node:https'" },
    { path: 'src/audit/export.ts', source: "import { createSocket } from 'node:dgram'" },
    { path: 'src/upstream/http-target.ts', source: "import type { IncomingMessage } from 'node:http'" },
    { path: 'src/policy/facts.ts', source: "import { isIP } from 'node:net'" },
    { path: 'src/http/server.ts', source: "import * as http from 'node:http'\nhttp.get(url)" },
    { path: 'src/http/server.ts', source: "import net from 'net'\nnet.createConnection(80)" },
    { path: 'src/http/server.ts', source: "import { createServer, request } from 'node:http'" },
    { path: 'src/http/server.ts', source: "import { Socket } from 'node:net'\nnew Socket()" },
    { path: 'src/audit/log.ts', source: 'const at = Date.now()' },
    { path: 'src/audit/log.ts', source: 'const at = new Date()' },
    { path: 'src/audit/log.ts', source: 'const at = performance.now()' },
    { path: 'src/http/server.ts', source: "console.log('up')" },
    { path: 'src/http/server.ts', source: "process.stderr.write('up')" },
    { path: 'src/portal/portal.ts', source: "import type { Tool } from '@modelcontextprotocol/sdk/types.js'" },
    { path: 'src/upstream/definitions.ts', source: "import { Ajv } from 'ajv'" },
    { path: 'src/http/server.ts', source: 'const { pathname } = new URL(request.url, base)' },
    { path: 'src/app.ts', source: 'const asked = new URL(request.url)' },
    { path: 'src/pages/home.ts', source: 'if (URL.canParse(c.req.url)) x()' },
    // Nothing that merely looks like a comment or a string may hide what follows it.
    { path: 'src/http/server.ts', source: "const accept = '*/*'\nconsole.log('up')\nconst b = '*/'" },
  ]
  for (const { path, source } of badDoors) {
    test(`doors: ${JSON.stringify(source)} in ${path} is a fault`, () => {
      expect(doorFaults(path, source)).toHaveLength(1)
    })
  }
  test('doors: the same things at their doors, in comments and in strings are no fault', () => {
    expect(doorFaults('src/config.ts', 'process.env.PORTICO_HOST')).toEqual([])
    expect(
      doorFaults(
        'src/http/server.ts',
        "import { createServer, type IncomingMessage } from 'node:http'\nrequest.get(name)",
      ),
    ).toEqual([])
    expect(doorFaults('src/audit/audit-store.ts', "import { sql } from 'kysely'")).toEqual([])
    expect(doorFaults('src/cli/api.ts', "console.log(await fetch('http://127.0.0.1'))")).toEqual([])
    expect(doorFaults('src/app.ts', "readFileSync(new URL('../package.json', import.meta.url))")).toEqual([])
    expect(doorFaults('src/upstream/detect.ts', 'new URL(hostname)')).toEqual([])
    expect(doorFaults('src/portal/visit.ts', '// process.env and fetch() and Date.now()\n/* console.log() */')).toEqual(
      [],
    )
    expect(doorFaults('src/portal/visit.ts', "const hint = 'set process.env, then fetch(it)'")).toEqual([])
    expect(
      doorFaults(
        'src/portal/call-tool.ts',
        'cancel.listen(stop)\npipe.listen(onNotification)\nrooms.safeFetch(url)\nthis.fetch(x)',
      ),
    ).toEqual([])
  })

  test('shape: a file too long, a barrel and a file without a heading are faults; tables are exempt', () => {
    const long = `// for\n${'x()\n'.repeat(LONGEST_FILE)}`
    expect(shapeFaults('src/portal/portal.ts', long)).toHaveLength(1)
    expect(shapeFaults('src/store/tables.ts', long)).toEqual([])
    expect(shapeFaults('src/portal/index.ts', "// for\nexport * from './portal.ts'")).toHaveLength(1)
    expect(shapeFaults('src/portal/index.ts', "// for\nexport { a,\n b } from './portal.ts'")).toHaveLength(1)
    expect(
      shapeFaults('src/admin/index.ts', "// the table\nimport { a } from './a.ts'\nexport const table = [a]"),
    ).toEqual([])
    expect(shapeFaults('src/portal/x.ts', 'export const x = 1')).toHaveLength(1)
  })
})
