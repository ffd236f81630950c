/**
 * How much a browser takes over the wire before somebody sees a page of the console: what its one HTML page loads, and the largest page's own
 * files. What a page loads later, such as its charts, is not waited for and is told apart. Fails where it is more than it may be.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { gzipSync } from 'node:zlib'
import { init, parse } from 'es-module-lexer'
import { buildConsole } from './build-console.ts'

/** Of script, by gzip. */
export const MOST_BYTES = 250 * 1024

export interface ConsoleSize {
  /** Bytes by gzip of the scripts that the HTML page loads. */
  frame: number
  /** Of its styles. */
  styles: number
  /** Of the files that each page has for itself, the largest first. */
  pages: readonly { name: string; bytes: number }[]
  /** Files that no page waits for. */
  later: readonly { name: string; bytes: number }[]
  /** The scripts that a first visit takes at most. */
  first: number
}

interface Imports {
  now: readonly string[]
  later: readonly string[]
}

/** @param folder as `buildConsole` answers */
export async function measureConsole(folder: string): Promise<ConsoleSize> {
  await init
  const assets = join(folder, 'assets')
  const bytes = (name: string): number => gzipSync(readFileSync(join(assets, name)), { level: 9 }).length
  const sum = (names: Iterable<string>): number => [...names].reduce((all, name) => all + bytes(name), 0)

  const html = readFileSync(join(folder, 'index.html'), 'utf8')
  const loaded = [...html.matchAll(/(?:src|href)="\/admin\/assets\/([^"]+)"/g)].map(([, name = '']) => name)
  const styles = loaded.filter((name) => name.endsWith('.css'))
  const frame = withImports(
    assets,
    loaded.filter((name) => name.endsWith('.js')),
  )
  const pages = new Set([...frame].flatMap((name) => importsOf(assets, name).later))
  const sizes = [...pages].map((name) => {
    const own = [...withImports(assets, [name])].filter((one) => !frame.has(one))
    return { name, own, bytes: sum(own) }
  })
  const seen = new Set([...frame, ...styles, ...sizes.flatMap(({ own }) => own)])
  const later = readdirSync(assets).filter((name) => !seen.has(name) && /\.(js|css)$/.test(name))
  sizes.sort((a, b) => b.bytes - a.bytes)
  return {
    frame: sum(frame),
    styles: sum(styles),
    pages: sizes.map(({ name, bytes }) => ({ name, bytes })),
    later: later.map((name) => ({ name, bytes: bytes(name) })),
    first: sum(frame) + (sizes[0]?.bytes ?? 0),
  }
}

/** @returns the files and all that they cannot begin without */
function withImports(assets: string, names: readonly string[]): Set<string> {
  const found = new Set<string>()
  const waiting = [...names]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue
    found.add(name)
    waiting.push(...importsOf(assets, name).now)
  }
  return found
}

function importsOf(assets: string, name: string): Imports {
  if (!name.endsWith('.js')) return { now: [], later: [] }
  const [imports] = parse(readFileSync(join(assets, name), 'utf8'))
  const named = imports.flatMap(({ n, d }) =>
    n?.startsWith('.') ? [{ name: posix.basename(n), isNow: d === -1 }] : [],
  )
  return {
    now: named.filter(({ isNow }) => isNow).map((one) => one.name),
    later: named.filter(({ isNow }) => !isNow).map((one) => one.name),
  }
}

if (import.meta.main) {
  const { frame, styles, pages, later, first } = await measureConsole(await buildConsole())
  const line = (name: string, bytes: number): string => `${(bytes / 1024).toFixed(1).padStart(8)} KB  ${name}`
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  say(line('the frame: the scripts that index.html loads', frame))
  say(line('its styles', styles))
  for (const { name, bytes } of pages) say(line(name, bytes))
  for (const { name, bytes } of later) say(line(`${name}, later`, bytes))
  say(line(`a first visit, of ${MOST_BYTES / 1024} KB`, first))
  if (first > MOST_BYTES) process.exitCode = 1
}
