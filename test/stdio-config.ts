/** The settings of child processes as they are where nobody set any, for rooms that are opened without a configuration. */
import { join } from 'node:path'
import type { StdioConfig } from '../src/config/stdio.ts'

/** @param data the data directory */
export function stdioConfig(data: string, more: Partial<StdioConfig> = {}): StdioConfig {
  return {
    register: 'local',
    maxChildren: 16,
    idleStopMs: 60_000,
    env: { PATH: process.env.PATH ?? '', LANG: 'C' },
    commands: [],
    allowUnpinned: false,
    wrapper: [],
    runAs: null,
    homes: join(data, 'children'),
    limits: { memoryMb: 1024, files: 256, processes: 0 },
    guarded: [data],
    ...more,
  }
}
