/**
 * What the set-up pages stored for the next start: `setup.json` in the data directory. The last layer before the defaults, so a flag, a
 * variable or the file always takes it back. It holds what an owner may settle from a browser and nothing else: a key that is not
 * named here is refused, or whoever gets a file in there could turn off any defence.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'
import { readPrivateFile, replacePrivateFile } from './keys.ts'
import { FIELDS } from './settings-schema.ts'

/** Settings that can be stored, as text; the settings' own schema judges their values. */
const stored = z.strictObject({ public_url: z.string().nullable().optional() })

export interface StoredSetUp {
  path: string
  values: z.infer<typeof stored>
}

/**
 * @param data absolute path of the data directory, which need not exist
 * @throws ConfigError where it is no such file, or others may read or write it
 */
export function readSetUp(data: string): StoredSetUp | null {
  const path = join(data, 'setup.json')
  if (!existsSync(path)) return null
  const parsed = stored.safeParse(jsonIn(path))
  if (parsed.success) return { path, values: parsed.data }
  throw new ConfigError(parsed.error.issues.map((issue) => `${path}: ${sentence(issue)}`))
}

function jsonIn(path: string): unknown {
  const text = readPrivateFile(path)
  try {
    return JSON.parse(text)
  } catch {
    throw new ConfigError([`${path}: is no JSON; mend it, or remove it and go through the set-up again`])
  }
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => JSON.stringify(key.slice(0, 64))).join(', ')
    return `holds ${keys}, which no set-up stores; take it out (settings of all kinds belong into portico.yaml)`
  }
  return `${issue.path.join('.') || 'the file'}: ${issue.message}`
}

/** @returns what is stored then, or a sentence about what is wrong with it */
export function takePublicUrl(text: string): { publicUrl: string } | { problem: string } {
  const parsed = FIELDS.public_url.safeParse(text)
  if (parsed.success && parsed.data !== null) return { publicUrl: parsed.data }
  return { problem: parsed.error?.issues[0]?.message ?? 'is not an address' }
}

/** @param publicUrl checked by `takePublicUrl`; null takes it away */
export function storePublicUrl(data: string, publicUrl: string | null): void {
  // Whole and without a look at what was there: one that somebody broke by hand is mended by this.
  const values: StoredSetUp['values'] = { public_url: publicUrl }
  replacePrivateFile(join(data, 'setup.json'), `${JSON.stringify(values, null, 2)}\n`)
}
