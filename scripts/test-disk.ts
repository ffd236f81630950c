/**
 * Where tests keep their files: in memory, where the machine has enough of it to spare. They make hundreds of databases and journals,
 * which all ask the disk to be done, and no test can tell whether a disk was: what it proves is that the portal asked, or what a
 * process that dies leaves behind. Whoever names a `TMPDIR` gets that one.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
const PREFIX = 'portico-tests-'
/** Four files at a time were seen to hold 640 MB, the database's log among them; that may grow. */
const NEEDED_BYTES = 2 * 1024 ** 3
/** What tests and what they start may take beside. */
const SPARE_BYTES = 2 * 1024 ** 3

/** Before anything asks for the temporary directory: vitest, and every process that it starts, is told of this one. */
export function useMemory(): void {
  if (process.env.TMPDIR !== undefined || process.platform !== 'linux') return
  forgetDead()
  if (!hasRoom()) return
  const dir = mkdtempSync(join(MEMORY, `${PREFIX}${process.pid}-`))
  // As `/tmp` is: PostgreSQL, and children that run as somebody else, reach what is theirs in here.
  chmodSync(dir, 0o1777)
  if (runsPrograms(dir)) process.env.TMPDIR = dir
  else rmSync(dir, { recursive: true, force: true })
}

/** vitest's global set-up, the first one: its tear-down comes last. @returns the tear-down */
export default function forgetMemory(): () => void {
  return () => {
    const dir = process.env.TMPDIR
    // A browser that ends with its tests may still be at its last write.
    if (dir?.startsWith(join(MEMORY, `${PREFIX}${process.pid}-`)))
      rmSync(dir, { recursive: true, force: true, maxRetries: 20 })
  }
}

function hasRoom(): boolean {
  if (!existsSync(MEMORY)) return false
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize >= NEEDED_BYTES && process.availableMemory() >= NEEDED_BYTES + SPARE_BYTES
}

/** Some machines run nothing from there. */
function runsPrograms(dir: string): boolean {
  const program = join(dir, 'runs')
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o700 })
  const { status } = spawnSync(program)
  rmSync(program)
  return status === 0
}

/** A run that was killed leaves its files, and they take memory. */
function forgetDead(): void {
  if (!existsSync(MEMORY)) return
  for (const name of readdirSync(MEMORY).filter((entry) => entry.startsWith(PREFIX))) {
    const pid = name.slice(PREFIX.length).split('-')[0]
    if (!existsSync(`/proc/${pid}`)) rmSync(join(MEMORY, name), { recursive: true, force: true })
  }
}
