/**
 * The settings, each once: its name in the file, its environment variable, its default, what it takes and what it is
 * for. The file's JSON Schema, the reference page, the flags of `portico start` and the reading all come from here.
 */
import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { parsePlace } from '../base/destination.ts'
import { LIMITS, MIB, SETTABLE_LIMITS, type SettableLimit } from './limits.ts'

/** Text from a flag or a variable and a number from the file both pass. */
function integer(least: number, most: number) {
  const range = `must be a whole number from ${least} to ${most}`
  return z
    .union([z.int(range).min(least, range).max(most, range), z.string()], range)
    .transform((value) => (typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : value))
    .pipe(z.int(range).min(least, range).max(most, range))
}

/** A list in the file, or text with commas. */
function list(item: z.ZodType<string, string>) {
  return z
    .union([z.array(z.string()), z.string()], 'must be a list, or text with commas')
    .transform((value) =>
      (typeof value === 'string' ? value.split(',') : value).map((text) => text.trim()).filter(Boolean),
    )
    .pipe(z.array(item))
}

/** Words of a command line: a list in the file, or text that is JSON, since a word may hold anything. */
const words = z
  .union([z.array(z.string()), z.string()], 'must be a list of words')
  .transform((value, context) => {
    if (typeof value !== 'string') return value
    if (value.trim() === '') return []
    const parsed = z.array(z.string()).safeParse(jsonOrNull(value))
    if (parsed.success) return parsed.data
    context.addIssue('must be a list of words; in a variable or flag as JSON, such as ["bwrap", "--unshare-pid"]')
    return z.NEVER
  })
  .pipe(z.array(z.string().min(1)))

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const yesOrNo = z
  .union([z.boolean(), z.enum(['true', 'false'])], 'must be true or false')
  .transform((value) => value === true || value === 'true')

// A relative path would mean another program, or another place, wherever the portal is started.
const program = z.string().refine(isProgramName, 'must be absolute paths, or names that are found in PATH')

function isProgramName(text: string): boolean {
  return isAbsolute(text) || /^[^\\/\0]+$/.test(text)
}

const cidr = z.string().refine(isCidr, 'must be addresses or ranges such as 10.0.0.0/8')

function isCidr(text: string): boolean {
  const [address = '', bits, extra] = text.split('/')
  const version = isIP(address)
  if (version === 0 || extra !== undefined) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}

// `*` and `null` are not origins: either would let any page in.
const origin = z
  .string()
  .regex(/^[a-z][a-z0-9+.-]*:\/\/[^/\s*?#@]+$/, 'must be origins such as https://app.example.com, without a path')

const publicUrl = z
  .string()
  .transform((text) => text.trim().replace(/\/$/, ''))
  .refine(isPublicUrl, 'must be https://host or https://host:port, without a path (http only for this machine)')

function isPublicUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  return isSafe && url.origin === text.toLowerCase()
}

/** Whether only this machine can reach a listener bound to `host`. Unknown names are not, whatever they resolve to. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}

const host = z
  .string()
  .trim()
  .refine(
    (text) => isIP(text) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text),
    'must be an address or a host name',
  )

/** Headers that mean something already, here or to the protocol: a common name in one of them would be taken for that. */
const MEANT =
  /^(authorization|accept|cookie|connection|forwarded|via|host|origin|expect|te|upgrade|content-|transfer-|x-forwarded-|mcp-|cf-access-|sec-|proxy-|last-event-id)/

function isCertificateHeader(name: string): boolean {
  return /^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/.test(name) && !MEANT.test(name)
}

const place = z.string().refine((text) => parsePlace(text) !== null, 'must be host:port')

const database = z
  .string()
  .refine((text) => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text), 'must begin with postgres:// and be a URL')

const address = z
  .string()
  .trim()
  .max(320)
  .regex(
    /^[^\s@\p{Cc}<>]+@[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/iu,
    'must be an e-mail address (its domain beyond ASCII as "xn--…")',
  )
  .toLowerCase()

const proxyUrl = z
  .string()
  .refine(isProxyUrl, 'must be http://host:port or https://host:port, with user and password where it wants them')

function isProxyUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.hash === ''
}

/** Field schemas by name; a dot is one level in the file. */
export const FIELDS = {
  host: host.describe('Address to listen on. Anything but this machine needs an https public_url.'),
  port: integer(0, 65_535).describe('Port to listen on; 0 takes any free one.'),
  public_url: publicUrl
    .nullable()
    .describe('The https address that people and clients use; TLS ends at your proxy. Issuer of every token.'),
  data: z.string().min(1).describe('Directory for the database, the audit journal and the owner token.'),
  account_id: z
    .string()
    .regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, - or _')
    .nullable()
    .describe('The only account id that the REST API answers; any id is answered where it is not set.'),
  encryption_key: z
    .string()
    .nullable()
    .describe(
      'Key that seals credentials: 32 bytes as base64 or hex, or several with commas (the first seals, all open).',
    ),
  trusted_proxies: list(cidr).describe('Addresses whose Forwarded headers are believed; nobody else is.'),
  client_certificate_header: z
    .string()
    .toLowerCase()
    .refine(isCertificateHeader, 'must be the name of a header that only your proxy sets, such as x-client-cert-cn')
    .nullable()
    .describe(
      'Header in which trusted_proxies say whose certificate a client showed, for rules on certificates; absent or empty: it showed none. Your proxy must replace what clients send under this name, and name no certificate that it has not verified.',
    ),
  client_certificate_form: z
    .enum(['subject', 'common_name', 'certificate'])
    .describe(
      'What stands in client_certificate_header. subject: the distinguished name as RFC 4514 or 2253 writes it (nginx: $ssl_client_s_dn). common_name: that alone. certificate: the whole, URL-encoded PEM (nginx: $ssl_client_escaped_cert) or as RFC 9440 writes it.',
    ),
  geo_file: z
    .string()
    .min(1)
    .nullable()
    .describe(
      'MaxMind DB file (.mmdb) that tells the country of an address, for rules by country. Read at the start, and again when it changes. Not set: no country is known.',
    ),
  allowed_origins: list(origin).describe('Web origins whose pages may call /mcp.'),
  database_url: database.nullable().describe('PostgreSQL to use instead of the SQLite file in the data directory.'),
  log_level: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent'])
    .describe('How much the log on stderr says. The audit is not affected.'),
  'audit.durability': z
    .enum(['process', 'disk'])
    .describe('process: an answered call survives the death of the process. disk: also that of the machine; slower.'),
  'audit.retention_days': integer(1, 36_500).describe('Days that audit rows are kept.'),
  'audit.min_free_mb': integer(0, 999_999_999).describe(
    'MiB that must be free where the data is: below it calls are refused, below twice as much the log warns. 0: not looked at.',
  ),
  'audit.journal_max_mb': integer(4, 1_000_000).describe(
    'MiB of audit that may wait for a database that does not answer, before calls are refused.',
  ),
  'stdio.register': z
    .enum(['off', 'local', 'api'])
    .describe(
      'Who may add servers that run as commands. local: the file, or the owner token from this machine. api: every API token that may write servers, from anywhere; then stdio.commands must not be empty. off: the file alone.',
    ),
  'stdio.commands': list(program).describe(
    'The only programs that servers may run as: absolute paths, or names that are looked up in PATH at the start. Not set: any.',
  ),
  'stdio.allow_unpinned': yesOrNo.describe(
    'Whether a package runner (npx, uvx and the like) may be given a package without its exact version.',
  ),
  'stdio.wrapper': words.describe(
    'Words before the command of every server process, such as those of a sandbox. {home}, {tmp} and {cwd} stand for its directories.',
  ),
  'stdio.run_as': z
    .string()
    .regex(/^(\d{1,10}(:\d{1,10})?|[a-z_][a-z0-9_.-]*\$?)$/i, 'must be a user name, uid or uid:gid')
    .nullable()
    .describe('User as whom server processes run. The portal must be root, and stdio.homes must be set.'),
  'stdio.homes': z
    .string()
    .refine((text) => isAbsolute(text), 'must be an absolute path')
    .nullable()
    .describe('Where each server process has its private directory. Not set: in the data directory.'),
  'stdio.limits.memory_mb': integer(0, 1_048_576).describe(
    'Most memory of one server process in MiB (its data segment; Node itself takes about 550). 0: no limit.',
  ),
  'stdio.limits.files': integer(0, 1_048_576).describe('Most open files of one server process. 0: no limit.'),
  'stdio.limits.processes': integer(0, 1_048_576).describe(
    'Most processes, each thread counted, of the user in stdio.run_as over all servers. 0: no limit.',
  ),
  'stdio.max_children': integer(1, 10_000).describe('Most server processes at one time.'),
  'stdio.idle_stop_seconds': integer(1, 604_800).describe(
    'A server process that nobody used for this long is stopped.',
  ),
  'sandbox.processes': integer(0, 64).describe(
    'Most runs of code that a model wrote at one time, each in a process of its own that takes about 60 MiB. 0: no code is run.',
  ),
  'sandbox.jit': z
    .enum(['on', 'off'])
    .describe(
      'off: such code is interpreted, never compiled to machine code. Slower by far for long computations, and closed to most faults of the engine.',
    ),
  'sandbox.wall': z
    .enum(['auto', 'required'])
    .describe(
      'auto: the strongest wall that this system offers stands around such a process. required: no code is run where that cannot keep files, network and other processes away (bubblewrap on Linux).',
    ),
  'outbound.proxy': proxyUrl
    .nullable()
    .describe('Proxy through which other machines are reached, by CONNECT. It resolves the names, so it guards them.'),
  'outbound.no_proxy': list(z.string().max(300)).describe(
    'Names, .suffixes and addresses, with or without a port, that are reached without the proxy. They are judged as ever.',
  ),
  'oauth.client_documents': yesOrNo.describe(
    'Whether clients may be known by the URL of their metadata document, which the portal then fetches. false where it cannot reach the internet: clients then register themselves.',
  ),
  'oauth.allow_private': list(place).describe(
    'host:port inside your own network where the metadata documents of clients may be fetched. Not set: public addresses alone.',
  ),
  'evaluation.allow_private': list(place).describe(
    'host:port inside your own network where external evaluators and their keys may be; plain http is spoken there alone. Not set: public https alone.',
  ),
  'smtp.host': host
    .nullable()
    .describe('Mail server for one-time PINs. It may be inside; no proxy stands between. Not set: no mail.'),
  'smtp.port': integer(1, 65_535).describe('Its port: 587, 465 with tls "implicit", or 25 for a relay.'),
  'smtp.user': z.string().min(1).nullable().describe('Whom the portal signs in as at the mail server.'),
  'smtp.password': z.string().min(1).nullable().describe('The password of smtp.user.'),
  'smtp.from': address.nullable().describe('Address that mail comes from.'),
  'smtp.tls': z
    .enum(['starttls', 'implicit', 'none'])
    .describe(
      'starttls: encrypted before anything is said, or not sent. implicit: encrypted from the first byte. none: in the clear, without a password.',
    ),
  'bootstrap.admin_email': address
    .nullable()
    .describe(
      'Address of the first owner, who is made at the first start, once, if nobody is owner. Needs the password.',
    ),
  'bootstrap.admin_password': z
    .string()
    .min(12, 'must have 12 to 256 characters')
    .max(256, 'must have 12 to 256 characters')
    .nullable()
    .describe('Password of the first owner, 12 to 256 characters. Take it out of the settings after the first start.'),
  ...limitFields(),
} as const

type LimitSetting = `limits.${SettableLimit}`

function limitFields(): Record<LimitSetting, ReturnType<typeof integer>> {
  const fields = SETTABLE_LIMITS.map((name) => {
    const { least, most, what } = LIMITS[name]
    return [`limits.${name}`, integer(least, most).describe(`${what}.`)]
  })
  return Object.fromEntries(fields)
}

export type SettingName = keyof typeof FIELDS
export type SettingValues = { [Name in SettingName]: z.output<(typeof FIELDS)[Name]> }

export interface Setting {
  variable: string
  /** As text, as one would write it; null means not set. */
  fallback: string | null
  /** Has `_FILE` twins, has no flag (arguments show in process lists), and is never printed. */
  secret: boolean
}

export const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  host: { variable: 'PORTICO_HOST', fallback: '127.0.0.1', secret: false },
  port: { variable: 'PORTICO_PORT', fallback: '8787', secret: false },
  public_url: { variable: 'PORTICO_PUBLIC_URL', fallback: null, secret: false },
  data: { variable: 'PORTICO_DATA', fallback: './data', secret: false },
  account_id: { variable: 'PORTICO_ACCOUNT_ID', fallback: null, secret: false },
  encryption_key: { variable: 'PORTICO_ENCRYPTION_KEY', fallback: null, secret: true },
  trusted_proxies: { variable: 'PORTICO_TRUSTED_PROXIES', fallback: '', secret: false },
  client_certificate_header: { variable: 'PORTICO_CLIENT_CERTIFICATE_HEADER', fallback: null, secret: false },
  client_certificate_form: { variable: 'PORTICO_CLIENT_CERTIFICATE_FORM', fallback: 'subject', secret: false },
  geo_file: { variable: 'PORTICO_GEO_FILE', fallback: null, secret: false },
  allowed_origins: { variable: 'PORTICO_ALLOWED_ORIGINS', fallback: '', secret: false },
  database_url: { variable: 'DATABASE_URL', fallback: null, secret: true },
  log_level: { variable: 'LOG_LEVEL', fallback: 'info', secret: false },
  'audit.durability': { variable: 'PORTICO_AUDIT_DURABILITY', fallback: 'process', secret: false },
  'audit.retention_days': { variable: 'PORTICO_AUDIT_RETENTION_DAYS', fallback: '90', secret: false },
  'audit.min_free_mb': { variable: 'PORTICO_AUDIT_MIN_FREE_MB', fallback: '512', secret: false },
  'audit.journal_max_mb': { variable: 'PORTICO_AUDIT_JOURNAL_MAX_MB', fallback: '1024', secret: false },
  'stdio.register': { variable: 'PORTICO_STDIO_REGISTER', fallback: 'local', secret: false },
  'stdio.commands': { variable: 'PORTICO_STDIO_COMMANDS', fallback: '', secret: false },
  'stdio.allow_unpinned': { variable: 'PORTICO_STDIO_ALLOW_UNPINNED', fallback: 'false', secret: false },
  'stdio.wrapper': { variable: 'PORTICO_STDIO_WRAPPER', fallback: '', secret: false },
  'stdio.run_as': { variable: 'PORTICO_STDIO_RUN_AS', fallback: null, secret: false },
  'stdio.homes': { variable: 'PORTICO_STDIO_HOMES', fallback: null, secret: false },
  'stdio.limits.memory_mb': {
    variable: 'PORTICO_STDIO_LIMITS_MEMORY_MB',
    fallback: String(LIMITS.child_memory.value / MIB),
    secret: false,
  },
  'stdio.limits.files': {
    variable: 'PORTICO_STDIO_LIMITS_FILES',
    fallback: String(LIMITS.child_files.value),
    secret: false,
  },
  'stdio.limits.processes': { variable: 'PORTICO_STDIO_LIMITS_PROCESSES', fallback: '0', secret: false },
  'stdio.max_children': {
    variable: 'PORTICO_STDIO_MAX_CHILDREN',
    fallback: String(LIMITS.children.value),
    secret: false,
  },
  'stdio.idle_stop_seconds': { variable: 'PORTICO_STDIO_IDLE_STOP_SECONDS', fallback: '600', secret: false },
  'sandbox.processes': { variable: 'PORTICO_SANDBOX_PROCESSES', fallback: '4', secret: false },
  'sandbox.jit': { variable: 'PORTICO_SANDBOX_JIT', fallback: 'on', secret: false },
  'sandbox.wall': { variable: 'PORTICO_SANDBOX_WALL', fallback: 'auto', secret: false },
  'outbound.proxy': { variable: 'HTTPS_PROXY', fallback: null, secret: true },
  'outbound.no_proxy': { variable: 'NO_PROXY', fallback: '', secret: false },
  'oauth.client_documents': { variable: 'PORTICO_OAUTH_CLIENT_DOCUMENTS', fallback: 'true', secret: false },
  'oauth.allow_private': { variable: 'PORTICO_OAUTH_ALLOW_PRIVATE', fallback: '', secret: false },
  'evaluation.allow_private': { variable: 'PORTICO_EVALUATION_ALLOW_PRIVATE', fallback: '', secret: false },
  'smtp.host': { variable: 'PORTICO_SMTP_HOST', fallback: null, secret: false },
  'smtp.port': { variable: 'PORTICO_SMTP_PORT', fallback: '587', secret: false },
  'smtp.user': { variable: 'PORTICO_SMTP_USER', fallback: null, secret: false },
  'smtp.password': { variable: 'PORTICO_SMTP_PASSWORD', fallback: null, secret: true },
  'smtp.from': { variable: 'PORTICO_SMTP_FROM', fallback: null, secret: false },
  'smtp.tls': { variable: 'PORTICO_SMTP_TLS', fallback: 'starttls', secret: false },
  'bootstrap.admin_email': { variable: 'PORTICO_BOOTSTRAP_ADMIN_EMAIL', fallback: null, secret: false },
  'bootstrap.admin_password': { variable: 'PORTICO_BOOTSTRAP_ADMIN_PASSWORD', fallback: null, secret: true },
  ...limitSettings(),
}

function limitSettings(): Record<LimitSetting, Setting> {
  const settings = SETTABLE_LIMITS.map((name) => {
    const variable = `PORTICO_LIMITS_${name.toUpperCase()}`
    return [`limits.${name}`, { variable, fallback: String(LIMITS[name].value), secret: false }]
  })
  return Object.fromEntries(settings)
}

export const SETTING_NAMES = Object.keys(FIELDS) as SettingName[]

/** All settings at once, flat. */
export const allSettings = z.object(FIELDS)
