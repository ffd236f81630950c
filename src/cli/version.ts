/** `portico version`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { action, type Context, type Surroundings } from './context.ts'

export function defineVersion(program: Command, io: Surroundings, rest: readonly string[]): void {
  program
    .command('version')
    .description('version of this program and of Node')
    .action(action(io, rest, version))
}

function version({ terminal }: Context): void {
  const facts = { portico: readVersion(), node: process.versions.node, platform: `${process.platform}-${process.arch}` }
  terminal.answer(facts, () => terminal.print(`portico ${facts.portico} (Node ${facts.node}, ${facts.platform})`))
}

/** This file lies two folders below package.json, in `src/cli` as in `dist/cli`. */
export function readVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')
  return z.looseObject({ version: z.string() }).parse(JSON.parse(text)).version
}
