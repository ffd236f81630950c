/** `portico config`: what the settings are and where each came from. Makes nothing and starts nothing. */
import type { Command } from 'commander'
import { z } from 'zod'
import { SECRETS_OF_SERVERS } from '../config/declared-secrets.ts'
import { fileJsonSchema } from '../config/file-schema.ts'
import { findKeyFile } from '../config/keys.ts'
import { SETTING_NAMES, SETTINGS, type SettingName, type SettingValues } from '../config/settings-schema.ts'
import { groupDeclared } from '../contract/access-group.ts'
import { writtenOauth } from '../contract/credentials.ts'
import { listDeclared } from '../contract/gateway-list.ts'
import { policyDeclared } from '../contract/policy.ts'
import { portalCreate } from '../contract/portal.ts'
import { serverCreate } from '../contract/server.ts'
import { CliError } from './cli-error.ts'
import { action, type Context, type Surroundings } from './context.ts'
import { addSettingFlags, flagsOf } from './setting-flags.ts'

export function defineConfig(program: Command, io: Surroundings, rest: readonly string[]): void {
  const config = program.command('config').description('settings: what they are and where they came from')
  addSettingFlags(
    config
      .command('print')
      .description('every setting with its origin')
      .option('--redacted', 'secrets never show; this says that you know it'),
  ).action(action(io, rest, print))
  addSettingFlags(config.command('validate').description('check the file, the environment and the flags')).action(
    action(io, rest, validate),
  )
  config
    .command('schema')
    .description('JSON Schema of portico.yaml, for editors')
    .action(action(io, rest, schema))
}

function print(context: Context, options: Record<string, unknown>): void {
  const settings = context.settings(flagsOf(options))
  const rows = SETTING_NAMES.map((name) => {
    const { origin, where } = settings.origins.get(name) ?? { origin: 'default', where: '' }
    return { setting: name, value: shown(name, settings.values), origin, where: origin === 'default' ? '' : where }
  })
  const key = findKeyFile(settings.values.data, context.surroundings.env)
  const keyRow = rows.find(({ setting }) => setting === 'encryption_key')
  if (keyRow !== undefined && keyRow.origin === 'default') {
    Object.assign(keyRow, {
      origin: 'generated',
      value: key.exists ? '[redacted]' : '',
      where: key.file ?? 'at the first start',
    })
  }
  context.terminal.answer(rows, () => {
    context.terminal.table(
      ['SETTING', 'VALUE', 'ORIGIN', 'WHERE'],
      rows.map((row) => [row.setting, row.value, row.origin, row.where]),
      '',
    )
  })
  for (const warning of settings.warnings) context.terminal.note(`warning: ${warning}`)
}

function validate(context: Context, options: Record<string, unknown>): void {
  const settings = context.settings(flagsOf(options))
  const problems = checkDeclared(settings.declared)
  if (problems.length > 0) throw new CliError(problems.join('\n'))
  for (const warning of settings.warnings) context.terminal.note(`warning: ${warning}`)
  const from = settings.file ?? 'no file; environment and defaults'
  context.terminal.answer({ valid: true, file: settings.file, warnings: settings.warnings }, () =>
    context.terminal.print(`Valid: ${from}.`),
  )
}

const DECLARED = {
  portals: portalCreate,
  servers: serverCreate,
  policies: policyDeclared,
  groups: groupDeclared,
  lists: listDeclared,
}

/** The shapes alone; whether ids exist is known to a running portal only. */
function checkDeclared(declared: {
  portals: readonly unknown[]
  servers: readonly unknown[]
  policies: readonly unknown[]
  groups?: readonly unknown[]
  lists?: readonly unknown[]
}): string[] {
  return Object.entries(DECLARED).flatMap(([section, shape]) =>
    (declared[section as keyof typeof DECLARED] ?? []).flatMap((item, index) => {
      const parsed = shape.safeParse(item)
      return parsed.success
        ? []
        : parsed.error.issues.map((issue) => `${[section, index, ...issue.path].join('.')}: ${issue.message}`)
    }),
  )
}

function schema(context: Context): void {
  // A schema is JSON whether or not --json was said.
  for (const line of JSON.stringify(publishedSchema(), null, 2).split('\n')) context.terminal.print(line)
}

/** The JSON Schema of `portico.yaml` with the API's shapes in the declared sections. */
export function publishedSchema(): Record<string, unknown> {
  const schemas = Object.entries(DECLARED).map(([section, shape]) => {
    const { $schema: _, ...rest } = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' })
    return [section, rest]
  })
  return fileJsonSchema(withFiles(Object.fromEntries(schemas)))
}

/** In the file a secret of a server may stand in a file of its own, and an OAuth client as YAML. */
function withFiles(items: Record<string, { properties?: Record<string, unknown> }>) {
  const { servers } = items
  if (servers?.properties === undefined) return items
  const { auth_credentials: text, ...others } = servers.properties
  const files = SECRETS_OF_SERVERS.map((name) => [
    `${name}_file`,
    { type: 'string', minLength: 1, description: `File that holds ${name}; its last line end is ignored.` },
  ])
  const client = { anyOf: [text, z.toJSONSchema(writtenOauth, { io: 'input' })] }
  return {
    ...items,
    servers: { ...servers, properties: { ...others, auth_credentials: client, ...Object.fromEntries(files) } },
  }
}

function shown(name: SettingName, values: SettingValues): string {
  const value = values[name]
  if (value === null) return ''
  if (name === 'database_url') return withoutPassword(String(value))
  if (SETTINGS[name].secret) return '[redacted]'
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/** Where the database is helps; how to enter it does not belong on a screen. */
function withoutPassword(text: string): string {
  const url = new URL(text)
  if (url.password !== '') url.password = 'redacted'
  // Parameters may hold a password too (sslpassword).
  url.search = ''
  return url.href
}
