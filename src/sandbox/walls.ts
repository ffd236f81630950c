/**
 * What the operating system puts around a process of the sandbox, strongest first. The isolate is the first wall and
 * Node's permission model the second, and both are of the same process: a fault in its engine passes through them. What
 * stands here does not.
 *
 * | wall | files | network | other processes | limits |
 * |---|---|---|---|---|
 * | `closed` (bubblewrap) | system libraries, Node and the add-on, to read | none | none | yes |
 * | `offline` (unshare) | the portal's own rights | none | none | yes |
 * | `limits` (prlimit) | the portal's own rights | the portal's | may be signalled | yes |
 * | `none` | the same | the same | the same | no |
 */
import { LIMITS } from '../config/limits.ts'
import { findProgram } from '../config/programs.ts'

export type WallKind = 'closed' | 'offline' | 'limits' | 'none'

export interface Wall {
  kind: WallKind
  /** For operators. */
  what: string
  /** What to execute, its last words being those that follow Node's own. */
  launch(words: NodeWords): { command: string; args: readonly string[] }
}

export interface NodeWords {
  /** Flags and program. */
  node: readonly string[]
  addon: string
  /** What follows the add-on. */
  rest: readonly string[]
}

/** System libraries, and no program: there is nothing to execute in there but Node. */
const LIBRARIES = ['/usr/lib', '/usr/lib64', '/lib', '/lib64'].flatMap((path) => ['--ro-bind-try', path, path])
const CLOSED = ['--unshare-all', '--die-with-parent', '--cap-drop', 'ALL', '--uid', '65534', '--gid', '65534']
const OFFLINE = ['--user', '--map-root-user', '--net', '--pid', '--ipc', '--uts', '--mount', '--fork', '--kill-child']
const POWERLESS = ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all']

/**
 * @param path the `PATH` in which the tools are looked up
 * @param jit whether guests are compiled to machine code, for which the engine reserves more
 * @returns those whose tools are here, strongest first; whether one works shows when a process is started in it
 */
export function wallsOf(path: string, jit: boolean): Wall[] {
  if (process.platform !== 'linux') return [NONE]
  const [bwrap, unshare, setpriv, prlimit] = ['bwrap', 'unshare', 'setpriv', 'prlimit'].map((n) => findProgram(n, path))
  const limits = prlimit ? [prlimit, ...limitWords(jit), '--'] : []
  const walls: Wall[] = []
  if (bwrap) {
    // The first keeps it from making namespaces of its own in there, and older versions do not know it.
    walls.push(closed([...limits, bwrap, '--unshare-user', '--disable-userns']), closed([...limits, bwrap]))
  }
  if (unshare && setpriv) {
    walls.push(
      plain('offline', 'no network, no other process', [...limits, unshare, ...OFFLINE, setpriv, ...POWERLESS]),
    )
  }
  if (prlimit) walls.push(plain('limits', 'limits on memory, CPU and files alone', limits))
  return [...walls, NONE]
}

function limitWords(jit: boolean): string[] {
  const { value } = jit ? LIMITS.code_process_memory : LIMITS.code_process_memory_jitless
  const cpuSeconds = LIMITS.code_process_cpu.value / 1000
  return ['--core=0', '--nofile=64', '--fsize=0', `--cpu=${cpuSeconds}`, `--data=${value}`]
}

function closed(words: readonly string[]): Wall {
  return {
    kind: 'closed',
    what: 'no network, no file of this machine but libraries, no other process',
    launch({ node, addon, rest }) {
      const files = [...LIBRARIES, '--ro-bind', process.execPath, '/node', '--ro-bind', addon, '/addon.node']
      const inside = ['/node', ...node, '/addon.node', ...rest]
      return commandOf([...words, ...CLOSED, '--clearenv', ...files, '--chdir', '/', ...inside])
    },
  }
}

function plain(kind: WallKind, what: string, words: readonly string[]): Wall {
  return {
    kind,
    what,
    launch: ({ node, addon, rest }) => commandOf([...words, process.execPath, ...node, addon, ...rest]),
  }
}

const NONE = plain('none', 'nothing but its own process', [])

function commandOf([command = '', ...args]: readonly string[]): { command: string; args: readonly string[] } {
  return { command, args }
}
