/**
 * The boot settings, and the only reader of the environment. Flag > environment > file > set-up > default.
 * Reading changes nothing on disk; `openConfig` then makes the data directory and the key, for `start` alone.
 */
import { resolve } from 'node:path'
import { type Place, parsePlace } from './base/destination.ts'
import type { LogLevelName } from './base/log.ts'
import type { KeyRing } from './base/secret.ts'
import { ConfigError } from './config/config-error.ts'
import { closeDataDirectory, makeDataDirectory } from './config/data-directory.ts'
import { readServerSecrets } from './config/declared-secrets.ts'
import type { ConfigFile } from './config/file.ts'
import type { DeclaredSection } from './config/file-schema.ts'
import { openKeyFile, parseKeys } from './config/keys.ts'
import {
  type ConfigSource,
  type Environment,
  find,
  findData,
  findFile,
  type Origin,
  type Provenance,
  readSecretFile,
} from './config/layers.ts'
import { type LimitValues, SETTABLE_LIMITS, type SettableLimit } from './config/limits.ts'
import { nearest } from './config/nearest.ts'
import { type SandboxConfig, sandboxOf } from './config/sandbox.ts'
import { readSetUp, type StoredSetUp } from './config/set-up.ts'
import {
  allSettings,
  isLoopback,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  type SettingValues,
} from './config/settings-schema.ts'
import { type BootstrapConfig, bootstrapOf, type SmtpConfig, signInProblems, smtpOf } from './config/sign-in.ts'
import { openStdio, type StdioConfig, stdioProblems } from './config/stdio.ts'

const MIB = 1024 * 1024

export interface Config {
  host: string
  port: number
  /** The one issuer and base of absolute URLs; null means `http://127.0.0.1:PORT`. No trailing slash. */
  publicUrl: string | null
  /** What says so, or where it is not set, what says nothing. */
  publicUrlFrom: Provenance
  /** Absolute path of the data directory. */
  data: string
  /** The only account id that is answered, or null to answer any. */
  accountId: string | null
  keys: KeyRing
  /** CIDRs whose forwarded headers are believed. */
  trustedProxies: readonly string[]
  /** Where trusted proxies tell of clients' certificates; null where none does. */
  clientCertificate: { header: string; form: 'subject' | 'common_name' | 'certificate' } | null
  /** Absolute path of a MaxMind DB, or null. */
  geoFile: string | null
  allowedOrigins: readonly string[]
  /** PostgreSQL; null means SQLite under `data`. */
  databaseUrl: string | null
  logLevel: LogLevelName
  audit: {
    durability: 'process' | 'disk'
    retentionDays: number
    /** Bytes that must be free where the data is. */
    minFreeBytes: number
    /** Bytes of journal that may wait for the database. */
    journalMaxBytes: number
  }
  stdio: StdioConfig
  sandbox: SandboxConfig
  limits: LimitValues
  outbound: {
    /** `http://` or `https://`; null goes direct. */
    proxy: string | null
    /** What is reached without it. */
    noProxy: readonly string[]
  }
  /** Whether clients may be known by a metadata document. */
  clientDocuments: boolean
  /** Inside our own network, where documents of clients may be fetched. */
  allowedDocuments: readonly Place[]
  /** Inside our own network, where external evaluators may be. */
  allowedEvaluators: readonly Place[]
  /** Null where no mail is set. */
  smtp: SmtpConfig | null
  /** The first owner, or null where people make one by the link. */
  bootstrap: BootstrapConfig | null
  /** What the file declares; null sections are left to the API. */
  declared: Declared
}

/** Objects from `portico.yaml`, in the shapes that the REST API takes. */
export interface Declared {
  portals: readonly unknown[]
  servers: readonly unknown[]
  policies: readonly unknown[]
  groups?: readonly unknown[]
  lists?: readonly unknown[]
}

export interface Settings {
  values: SettingValues
  origins: ReadonlyMap<SettingName, Provenance>
  declared: Declared
  /** The file that was read, or null. */
  file: string | null
  /** What the set-up pages stored, used or not; null where they stored nothing. */
  setUp: StoredSetUp | null
  /** Lines for the operator about what is odd but not wrong. */
  warnings: readonly string[]
}

/** The environment of this process, for the command line to hand on. */
export function processEnvironment(): Environment {
  return process.env
}

/**
 * Reads every setting and says where it came from. Makes nothing and changes nothing.
 *
 * @throws ConfigError listing all that is wrong
 */
export function readSettings(source: ConfigSource): Settings {
  const file = findFile(source)
  const setUp = readSetUp(findData(source, file))
  const origins = new Map<SettingName, Provenance>()
  const raw: Record<string, unknown> = {}
  for (const name of SETTING_NAMES) {
    const found = find(name, source, { file, setUp })
    raw[name] = found.value
    const { value: _, ...provenance } = found
    origins.set(name, provenance)
  }
  const parsed = allSettings.safeParse(raw)
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map(
        ({ path, message }) => `${origins.get(path[0] as SettingName)?.where ?? path.join('.')}: ${message}`,
      ),
    )
  }
  const { data, geo_file } = parsed.data
  const absolute = { data: resolve(source.cwd, data), geo_file: geo_file && resolve(source.cwd, geo_file) }
  const values = { ...parsed.data, ...absolute }
  refuseOpenDoor(values, origins)
  refuseUntoldCertificates(values, origins)
  const problems = [...stdioProblems({ values, origins }), ...signInProblems({ values, origins })]
  if (problems.length > 0) throw new ConfigError(problems)
  const servers = list(file, 'servers')
  const declared = {
    portals: list(file, 'portals'),
    servers: file === null ? servers : readServerSecrets(servers, file),
    policies: list(file, 'policies'),
    groups: list(file, 'groups'),
    lists: list(file, 'lists'),
  }
  return { values, origins, declared, file: file?.path ?? null, setUp, warnings: oddVariables(source.env) }
}

export interface OpenedConfig {
  config: Config
  keyOrigin: Origin
  /** The key file in use, or null when the key came from a setting. */
  keyFile: string | null
  warnings: readonly string[]
}

/**
 * Makes what the settings ask for: the data directory, and at the first start the key.
 *
 * @throws ConfigError when the directory or the key cannot be used
 */
export function openConfig(settings: Settings, env: Environment): OpenedConfig {
  const { values } = settings
  makeDataDirectory(values.data)
  const given = settings.origins.get('encryption_key')
  const key =
    values.encryption_key === null
      ? openKeyFile(values.data, env)
      : { keys: parseKeys(values.encryption_key, given?.where ?? 'encryption_key'), file: null, made: false }
  // After the key: a start that is refused for it must not have mended in silence what others could read.
  const opened = closeDataDirectory(values.data)
  const { stdio, warnings } = openStdio({ ...settings, secretFiles: secretFilesOf(settings) }, env)
  const config: Config = {
    host: values.host,
    port: values.port,
    publicUrl: values.public_url,
    publicUrlFrom: settings.origins.get('public_url') ?? { origin: 'default', where: 'the default of public_url' },
    data: values.data,
    accountId: values.account_id,
    keys: key.keys,
    trustedProxies: values.trusted_proxies,
    clientCertificate: certificateSourceOf(values),
    geoFile: values.geo_file,
    allowedOrigins: values.allowed_origins,
    databaseUrl: values.database_url,
    logLevel: values.log_level,
    audit: {
      durability: values['audit.durability'],
      retentionDays: values['audit.retention_days'],
      minFreeBytes: values['audit.min_free_mb'] * MIB,
      journalMaxBytes: values['audit.journal_max_mb'] * MIB,
    },
    stdio,
    sandbox: sandboxOf(values, env),
    limits: limitsOf(values),
    outbound: { proxy: values['outbound.proxy'], noProxy: values['outbound.no_proxy'] },
    clientDocuments: values['oauth.client_documents'],
    allowedDocuments: placesOf(values['oauth.allow_private']),
    allowedEvaluators: placesOf(values['evaluation.allow_private']),
    smtp: smtpOf(values),
    bootstrap: bootstrapOf(values),
    declared: settings.declared,
  }
  const keyOrigin = key.file === null ? (given?.origin ?? 'default') : key.made ? 'generated' : 'file'
  return {
    config,
    keyOrigin,
    keyFile: key.file,
    warnings: [...settings.warnings, ...opened, ...warnings],
  }
}

function placesOf(texts: readonly string[]): Place[] {
  return texts.map(parsePlace).filter((place) => place !== null)
}

function certificateSourceOf(values: SettingValues): Config['clientCertificate'] {
  const { client_certificate_header: header, client_certificate_form: form } = values
  return header === null ? null : { header, form }
}

function limitsOf(values: SettingValues): LimitValues {
  const entries = SETTABLE_LIMITS.map((name) => [name, values[`limits.${name}`]])
  return Object.fromEntries(entries) as Record<SettableLimit, number>
}

/** Files that hold secrets, or may: the settings' own file among them. */
export function secretFilesOf({ origins, file }: Settings): string[] {
  const files = [...origins.values()].flatMap((provenance) => provenance.file ?? [])
  return file === null ? files : [...files, file]
}

/** Takes the secrets out of this process's own environment, so that nothing started later can find them there. */
export function forgetSecrets(): void {
  for (const { variable, secret } of Object.values(SETTINGS)) if (secret) delete process.env[variable]
  delete process.env.PORTICO_TOKEN
}

/** What the command line needs to speak to a portal; null where neither flag nor variable says it. */
export interface ClientSource {
  url: string | null
  token: string | null
}

/** @throws ConfigError when the token's file cannot be read */
export function readClientSource(
  flags: { url?: string | undefined; token?: string | undefined },
  env: Environment,
): ClientSource {
  const token =
    flags.token ||
    env.PORTICO_TOKEN ||
    (env.PORTICO_TOKEN_FILE ? readSecretFile(env.PORTICO_TOKEN_FILE, 'PORTICO_TOKEN_FILE') : '')
  return { url: flags.url || env.PORTICO_URL || null, token: token || null }
}

function list(file: ConfigFile | null, section: DeclaredSection): readonly unknown[] {
  return file?.contents[section] ?? []
}

/** Anyone who can reach the port could otherwise read tokens off the wire and be anyone's host. */
function refuseOpenDoor(values: SettingValues, origins: ReadonlyMap<SettingName, Provenance>): void {
  if (isLoopback(values.host) || values.public_url?.startsWith('https://')) return
  throw new ConfigError([
    `${origins.get('host')?.where}: ${values.host} can be reached from other machines, so public_url (PORTICO_PUBLIC_URL) must be the https address that people use. Or listen on 127.0.0.1.`,
  ])
}

/** Read from nobody, the header would only seem to guard something. */
function refuseUntoldCertificates(values: SettingValues, origins: ReadonlyMap<SettingName, Provenance>): void {
  if (values.client_certificate_header === null || values.trusted_proxies.length > 0) return
  throw new ConfigError([
    `${origins.get('client_certificate_header')?.where}: only trusted_proxies (PORTICO_TRUSTED_PROXIES) are believed about certificates, and none is set.`,
  ])
}

/** A mistyped variable would otherwise do nothing, silently. */
function oddVariables(env: Environment): string[] {
  const known = new Set<string>([
    ...OTHER_VARIABLES,
    ...Object.values(SETTINGS).flatMap(({ variable, secret }) =>
      secret ? [variable, `${variable}_FILE`] : [variable],
    ),
  ])
  return Object.keys(env)
    .filter((name) => name.startsWith('PORTICO_') && !known.has(name))
    .flatMap((name) => {
      const meant = nearest(name, known)
      return meant === undefined ? [] : [`${name} is no setting; did you mean ${meant}?`]
    })
}

const OTHER_VARIABLES = [
  'PORTICO_CONFIG',
  'PORTICO_URL',
  'PORTICO_TOKEN',
  'PORTICO_TOKEN_FILE',
  'PORTICO_TEST_DATABASE_URL',
]
