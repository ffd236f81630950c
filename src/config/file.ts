/**
 * Reads `portico.yaml`: one YAML 1.2 document of at most 1 MiB with few aliases, checked key by key. `${NAME}` takes
 * its value from the environment, here and nowhere else: what arrives over the API is never interpolated, or a
 * narrow API token could read the portal's own secrets out of a description.
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { isMap, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { ConfigError } from './config-error.ts'
import { type FileContents, fileSchema } from './file-schema.ts'
import { nearest } from './nearest.ts'

const LARGEST = 1024 * 1024
const MOST_ALIASES = 100

export interface ConfigFile {
  path: string
  contents: FileContents
  /** 1-based line where a key stands. */
  lineOf(keys: readonly PropertyKey[]): number
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * @param path absolute
 * @param env what `${NAME}` is taken from
 * @throws ConfigError naming each problem with its line
 */
export function readConfigFile(path: string, env: Environment): ConfigFile {
  return parseConfigFile(path, readSmallFile(path), env)
}

/** The same for text that was read already. */
export function parseConfigFile(path: string, text: string, env: Environment): ConfigFile {
  const lines = new LineCounter()
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  const broken = [...doc.errors, ...doc.warnings].slice(0, 5)
  if (broken.length > 0) {
    throw new ConfigError(broken.map((error) => `${path}:${lines.linePos(error.pos[0]).line}: ${error.message}`))
  }

  const lineOf = (keys: readonly PropertyKey[]): number => {
    for (let depth = keys.length; depth > 0; depth--) {
      const parent = depth === 1 ? doc.contents : doc.getIn(keys.slice(0, depth - 1), true)
      const key = keys[depth - 1]
      const pair = isMap(parent) ? parent.items.find((item) => String(item.key) === key) : undefined
      const node = pair === undefined ? doc.getIn(keys.slice(0, depth), true) : pair.key
      const range = (node as { range?: [number, number, number] } | undefined)?.range
      if (range) return lines.linePos(range[0]).line
    }
    return 1
  }

  const missing: string[] = []
  const plain = interpolate(toPlain(path, doc), env, (name, keys) =>
    missing.push(`${path}:${lineOf(keys)}: \${${name}} is not set in the environment`),
  )
  if (missing.length > 0) throw new ConfigError(missing)

  const parsed = fileSchema.safeParse(plain ?? {})
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.flatMap((issue) =>
        describe(issue, plain).map(({ at, text }) => `${path}:${lineOf(at)}: ${text}`),
      ),
    )
  }
  // The values are read again from the flat settings, so what is handed on is what stands in the file.
  return { path, contents: (plain ?? {}) as FileContents, lineOf }
}

function readSmallFile(path: string): string {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    throw new ConfigError([`${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`])
  }
  try {
    const { size } = fstatSync(file)
    if (size > LARGEST) throw new ConfigError([`${path}: is ${size} bytes, more than 1 MiB`])
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

function toPlain(path: string, doc: ReturnType<typeof parseDocument>): unknown {
  try {
    return doc.toJS({ maxAliasCount: MOST_ALIASES })
  } catch (error) {
    // The library reports both a bomb and an alias to nothing by throwing ReferenceError.
    if (error instanceof ReferenceError) throw new ConfigError([`${path}: ${error.message}`])
    throw error
  }
}

const REFERENCE = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g

/** `${NAME}`, `${NAME:-otherwise}`, and `$${NAME}` for the text itself. Values only, never keys. */
function interpolate(
  value: unknown,
  env: Environment,
  onMissing: (name: string, keys: string[]) => void,
  keys: string[] = [],
): unknown {
  if (typeof value === 'string') {
    return value.replace(REFERENCE, (whole, escaped: string, name: string, otherwise: string | undefined) => {
      if (escaped) return whole.slice(1)
      const found = env[name] || otherwise
      if (found === undefined) onMissing(name, keys)
      return found ?? ''
    })
  }
  if (Array.isArray(value))
    return value.map((item, index) => interpolate(item, env, onMissing, [...keys, String(index)]))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, interpolate(item, env, onMissing, [...keys, key])]),
  )
}

interface Problem {
  at: PropertyKey[]
  text: string
}

function describe(issue: z.core.$ZodIssue, plain: unknown): Problem[] {
  if (issue.code !== 'unrecognized_keys')
    return [{ at: issue.path, text: `${issue.path.join('.') || 'the file'}: ${issue.message}` }]
  const known = knownKeys(issue.path)
  const present = new Set(Object.keys(at(plain, issue.path)))
  return issue.keys.map((key) => {
    const meant = nearest(
      key,
      known.filter((name) => !present.has(name)),
    )
    const name = [...issue.path, key].join('.')
    const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean "${meant}"?`
    return { at: [...issue.path, key], text: `unknown key "${name}"; ${hint}` }
  })
}

function at(plain: unknown, keys: readonly PropertyKey[]): object {
  let value = plain
  for (const key of keys) value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  return typeof value === 'object' && value !== null ? value : {}
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  if (path[0] === 'audit') return Object.keys(fileSchema.shape.audit.unwrap().unwrap().shape)
  if (path[0] === 'stdio') {
    const { shape } = fileSchema.shape.stdio.unwrap().unwrap()
    return Object.keys(path[1] === 'limits' ? shape.limits.unwrap().unwrap().shape : shape)
  }
  if (path[0] === 'sandbox') return Object.keys(fileSchema.shape.sandbox.unwrap().unwrap().shape)
  if (path[0] === 'oauth') return Object.keys(fileSchema.shape.oauth.unwrap().unwrap().shape)
  if (path[0] === 'smtp') return Object.keys(fileSchema.shape.smtp.unwrap().unwrap().shape)
  if (path[0] === 'bootstrap') return Object.keys(fileSchema.shape.bootstrap.unwrap().unwrap().shape)
  return Object.keys(fileSchema.shape).filter((key) => key !== '$schema')
}
