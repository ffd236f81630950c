/** The protocol's own conformance suite: how it is run, what a revision requires of it, and what it found. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { COMPILED, NODE } from '../peers/servers.ts'

export const REVISIONS = ['2026-07-28', '2025-11-25'] as const
export type Revision = (typeof REVISIONS)[number]

/** What is played: a client, or a server. */
export type Leg = 'client' | 'server'

const PACKAGE = fileURLToPath(new URL('../../node_modules/@modelcontextprotocol/conformance/', import.meta.url))

export interface Requirements {
  /** Scenarios that count, in the suite's own order. */
  required: string[]
  /** Those that it plays too, and never counts. */
  unscored: string[]
}

export async function readRequirements(revision: Revision, leg: Leg): Promise<Requirements> {
  const text = await readFile(join(PACKAGE, 'requirements', `${revision}.yaml`), 'utf8')
  const lists = parse(text) as Record<Leg, string[]> & { not_scored: { scenario: string; leg: Leg }[] }
  const unscored = lists.not_scored.filter((one) => one.leg === leg).map(({ scenario }) => scenario)
  return { required: lists[leg], unscored }
}

/** @param dir its working directory, and its home */
export async function runSuite(dir: string, args: readonly string[]): Promise<void> {
  const env = { PATH: process.env.PATH ?? '', HOME: dir, ...COMPILED }
  const child = spawn(NODE, [join(PACKAGE, 'dist/index.js'), ...args], { cwd: dir, env, stdio: 'ignore' })
  await once(child, 'exit')
}

export interface Check {
  id: string
  status: string
  description: string
  errorMessage?: string
}

/** By scenario; each has a directory that is named by it and the time, after the leg for some. */
export async function checksIn(dir: string, leg: Leg): Promise<Map<string, Check[]>> {
  const found = new Map<string, Check[]>()
  const named = new RegExp(`^(?:${leg}-)?(.*?)-\\d{4}-\\d\\d-\\d\\dT[^/]*/checks\\.json$`)
  for (const path of await readdir(dir, { recursive: true })) {
    const [, name] = named.exec(path) ?? []
    if (name !== undefined) found.set(name, JSON.parse(await readFile(join(dir, path), 'utf8')) as Check[])
  }
  return found
}

/** A warning counts as a failure, as it does for the suite. */
export function badChecks(checks: readonly Check[]): string[] {
  return checks
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(({ id, status, description, errorMessage }) => `${status} ${id}: ${errorMessage ?? description}`)
}

/** @param complaintsOf of one scenario; none where it is good */
export function openAmong(
  names: readonly string[],
  complaintsOf: (name: string) => string[],
): Record<string, string[]> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const complaints = complaintsOf(name)
      return complaints.length === 0 ? [] : [[name, complaints]]
    }),
  )
}

/** `passed/all` */
export function tallyOf(all: readonly string[], open: Readonly<Record<string, string[]>>): string {
  return `${all.length - Object.keys(open).length}/${all.length}`
}
