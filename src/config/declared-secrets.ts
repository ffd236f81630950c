/**
 * Secrets of servers that the file declares: in files beside it (`client_secret_file`), as those of the settings, and an OAuth client as
 * YAML rather than as JSON in a string. What is handed on has the shape that the REST API takes.
 */
import { dirname, resolve } from 'node:path'
import { ConfigError } from './config-error.ts'
import type { ConfigFile } from './file.ts'
import { readSecretFile } from './layers.ts'

/** Members of a declared server that may stand in a file of their own, as `NAME_file`. */
export const SECRETS_OF_SERVERS = ['auth_credentials', 'client_secret'] as const

/**
 * @param servers as they stand in the file; what is no object is left to whoever checks shapes
 * @throws ConfigError where a file cannot be read, or a secret is given twice
 */
export function readServerSecrets(servers: readonly unknown[], file: ConfigFile): readonly unknown[] {
  return servers.map((server, index) => {
    if (typeof server !== 'object' || server === null || Array.isArray(server)) return server
    const entry: Record<string, unknown> = { ...server }
    for (const name of SECRETS_OF_SERVERS) takeFile(entry, name, { index, file })
    const { auth_credentials: client } = entry
    if (typeof client === 'object' && client !== null) entry.auth_credentials = JSON.stringify(client)
    return entry
  })
}

function takeFile(
  entry: Record<string, unknown>,
  name: string,
  { index, file }: { index: number; file: ConfigFile },
): void {
  const twin = `${name}_file`
  const named = entry[twin]
  // What is no path stays, and is refused as an unknown field by whoever checks shapes.
  if (typeof named !== 'string') return
  const where = `${file.path}:${file.lineOf(['servers', index, twin])}: servers.${index}.${twin}`
  if (entry[name] !== undefined) throw new ConfigError([`${where}: and ${name} are both set; keep one.`])
  delete entry[twin]
  entry[name] = readSecretFile(resolve(dirname(file.path), named), where)
}
