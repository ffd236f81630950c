/** The settings of the sandbox, in which code that models write is run. */
import type { Environment } from './layers.ts'
import type { SettingValues } from './settings-schema.ts'

export interface SandboxConfig {
  /** Most runs at one time; 0 runs none. */
  processes: number
  /** Whether guests are compiled to machine code. */
  jit: boolean
  /** `required` runs nothing where the operating system cannot close a process in. */
  wall: 'auto' | 'required'
  /** Where the system's own tools for that are looked for. */
  path: string
}

export function sandboxOf(values: SettingValues, env: Environment): SandboxConfig {
  return {
    processes: values['sandbox.processes'],
    jit: values['sandbox.jit'] === 'on',
    wall: values['sandbox.wall'],
    path: env.PATH ?? '',
  }
}
