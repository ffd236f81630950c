/**
 * The program of a sandbox process as one text, which is handed to Node on its command line: the process then needs no
 * file of ours, may read none, and is the same from the sources and from the package. It is made of three files that
 * import nothing but each other.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const PARTS = ['frames', 'guest', 'child']

/** Read and joined by a process of its own, whose warnings about stripping types nobody needs to see. */
const STRIP = [
  "const { readFileSync } = require('node:fs')",
  "const { stripTypeScriptTypes } = require('node:module')",
  "for (const file of process.argv.slice(1)) console.log(stripTypeScriptTypes(readFileSync(file, 'utf8')))",
].join('\n')

export async function sandboxProgram(): Promise<string> {
  const isClone = import.meta.url.endsWith('.ts')
  const files = PARTS.map((part) => fileURLToPath(new URL(`./${part}.${isClone ? 'ts' : 'js'}`, import.meta.url)))
  const text = isClone ? await withoutTypes(files) : (await Promise.all(files.map(read))).join('\n')
  return text.replace(/^import\s[^;]*?from '\.\/[\w-]+\.[jt]s';?$/gm, '').replace(/^export (?=\w)/gm, '')
}

async function withoutTypes(files: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', '--eval', STRIP, ...files])
  return stdout
}

function read(file: string): Promise<string> {
  return readFile(file, 'utf8')
}
