/**
 * The shape of `portico.yaml`: the settings, the `_file` twins of the secrets, and what the file declares. Declared
 * portals, servers, policies, groups and lists are in the REST API's shapes and are checked by the room that owns them.
 */
import { z } from 'zod'
import { SETTABLE_LIMITS } from './limits.ts'
import { FIELDS } from './settings-schema.ts'

const declared = z.array(z.looseObject({}))

const twin = (of: string) =>
  z.string().min(1).nullable().optional().describe(`File that holds ${of}; its last line end is ignored.`)

export const fileSchema = z.strictObject({
  $schema: z.string().optional().describe('Where an editor finds this schema.'),
  host: FIELDS.host.nullable().optional(),
  port: FIELDS.port.nullable().optional(),
  public_url: FIELDS.public_url.optional(),
  data: FIELDS.data.nullable().optional(),
  account_id: FIELDS.account_id.optional(),
  encryption_key: FIELDS.encryption_key.optional(),
  encryption_key_file: twin('encryption_key'),
  trusted_proxies: FIELDS.trusted_proxies.nullable().optional(),
  client_certificate_header: FIELDS.client_certificate_header.optional(),
  client_certificate_form: FIELDS.client_certificate_form.nullable().optional(),
  geo_file: FIELDS.geo_file.optional(),
  allowed_origins: FIELDS.allowed_origins.nullable().optional(),
  database_url: FIELDS.database_url.optional(),
  database_url_file: twin('database_url'),
  log_level: FIELDS.log_level.nullable().optional(),
  audit: z
    .strictObject({
      durability: FIELDS['audit.durability'].nullable().optional(),
      retention_days: FIELDS['audit.retention_days'].nullable().optional(),
      min_free_mb: FIELDS['audit.min_free_mb'].nullable().optional(),
      journal_max_mb: FIELDS['audit.journal_max_mb'].nullable().optional(),
    })
    .nullable()
    .optional()
    .describe('What is kept of who did what.'),
  stdio: z
    .strictObject({
      register: FIELDS['stdio.register'].nullable().optional(),
      commands: FIELDS['stdio.commands'].nullable().optional(),
      allow_unpinned: FIELDS['stdio.allow_unpinned'].nullable().optional(),
      wrapper: FIELDS['stdio.wrapper'].nullable().optional(),
      run_as: FIELDS['stdio.run_as'].optional(),
      homes: FIELDS['stdio.homes'].optional(),
      limits: z
        .strictObject({
          memory_mb: FIELDS['stdio.limits.memory_mb'].nullable().optional(),
          files: FIELDS['stdio.limits.files'].nullable().optional(),
          processes: FIELDS['stdio.limits.processes'].nullable().optional(),
        })
        .nullable()
        .optional()
        .describe('What one server process may take up.'),
      max_children: FIELDS['stdio.max_children'].nullable().optional(),
      idle_stop_seconds: FIELDS['stdio.idle_stop_seconds'].nullable().optional(),
    })
    .nullable()
    .optional()
    .describe('Servers that run as commands on this machine.'),
  sandbox: z
    .strictObject({
      processes: FIELDS['sandbox.processes'].nullable().optional(),
      jit: FIELDS['sandbox.jit'].nullable().optional(),
      wall: FIELDS['sandbox.wall'].nullable().optional(),
    })
    .nullable()
    .optional()
    .describe('Where code that models write is run.'),
  limits: z
    .strictObject(
      Object.fromEntries(SETTABLE_LIMITS.map((name) => [name, FIELDS[`limits.${name}`].nullable().optional()])),
    )
    .nullable()
    .optional()
    .describe('How much callers and servers may take up.'),
  outbound: z
    .strictObject({
      proxy: FIELDS['outbound.proxy'].optional(),
      proxy_file: twin('outbound.proxy'),
      no_proxy: FIELDS['outbound.no_proxy'].nullable().optional(),
    })
    .nullable()
    .optional()
    .describe('How other machines are reached.'),
  oauth: z
    .strictObject({
      client_documents: FIELDS['oauth.client_documents'].nullable().optional(),
      allow_private: FIELDS['oauth.allow_private'].nullable().optional(),
    })
    .nullable()
    .optional()
    .describe('Clients that sign in.'),
  evaluation: z
    .strictObject({
      allow_private: FIELDS['evaluation.allow_private'].nullable().optional(),
    })
    .nullable()
    .optional()
    .describe('External evaluators of policies.'),
  smtp: z
    .strictObject({
      host: FIELDS['smtp.host'].optional(),
      port: FIELDS['smtp.port'].nullable().optional(),
      user: FIELDS['smtp.user'].optional(),
      password: FIELDS['smtp.password'].optional(),
      password_file: twin('smtp.password'),
      from: FIELDS['smtp.from'].optional(),
      tls: FIELDS['smtp.tls'].nullable().optional(),
    })
    .nullable()
    .optional()
    .describe('The mail server, for one-time PINs.'),
  bootstrap: z
    .strictObject({
      admin_email: FIELDS['bootstrap.admin_email'].optional(),
      admin_password: FIELDS['bootstrap.admin_password'].optional(),
      admin_password_file: twin('bootstrap.admin_password'),
    })
    .nullable()
    .optional()
    .describe('The first owner, for a set-up without a browser.'),
  portals: declared
    .nullable()
    .optional()
    .describe('Portals, as the REST API takes them; read-only there once they stand here.'),
  servers: declared.nullable().optional().describe('Servers, as the REST API takes them.'),
  policies: declared.nullable().optional().describe('Policies, as the REST API takes them.'),
  groups: declared.nullable().optional().describe('Groups that policies name, as the REST API takes them.'),
  lists: declared.nullable().optional().describe('Lists that policies and groups name, as the REST API takes them.'),
})

export type FileContents = z.input<typeof fileSchema>

/** Sections that hold lists of objects in the API's shapes. */
export type DeclaredSection = 'portals' | 'servers' | 'policies' | 'groups' | 'lists'

/**
 * The published JSON Schema (2020-12) of `portico.yaml`.
 *
 * @param items schemas for the entries of the declared sections, from the room that owns their shapes
 */
export function fileJsonSchema(items: Partial<Record<DeclaredSection, object>> = {}): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema, { io: 'input' }) as {
    properties: Record<string, { items?: object; anyOf?: { type?: string; items?: object }[] }>
  }
  for (const [section, item] of Object.entries(items)) {
    const list = schema.properties[section]?.anyOf?.find(({ type }) => type === 'array')
    if (list !== undefined) list.items = item
  }
  return { title: 'portico.yaml', description: 'Settings of Portico.', ...schema }
}

/** The file's path of a setting, as keys: `audit.durability` is `['audit', 'durability']`. */
export function pathOf(name: string): string[] {
  return name.split('.')
}
