/**
 * The boot settings, and the only reader of the environment. Flag > environment > file > default.
 */
import type { LogLevelName } from './base/log.ts'
import type { KeyRing } from './base/secret.ts'

export interface Config {
  host: string
  port: number
  /** The one issuer and base of absolute URLs; null means `http://127.0.0.1:PORT`. No trailing slash. */
  publicUrl: string | null
  /** Absolute path of the data directory. */
  data: string
  /** The only account id that is answered, or null to answer any. */
  accountId: string | null
  keys: KeyRing
  /** CIDRs whose forwarded headers are believed. */
  trustedProxies: readonly string[]
  allowedOrigins: readonly string[]
  /** PostgreSQL; null means SQLite under `data`. */
  databaseUrl: string | null
  logLevel: LogLevelName
  audit: { durability: 'process' | 'disk'; retentionDays: number }
  stdio: { register: 'off' | 'local' | 'api'; maxChildren: number; idleStopMs: number }
  /** What the file declares; null sections are left to the API. */
  declared: Declared
}

/** Objects from `portico.yaml`, in the shapes that the REST API takes. */
export interface Declared {
  portals: readonly unknown[]
  servers: readonly unknown[]
  policies: readonly unknown[]
}
