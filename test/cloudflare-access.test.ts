/** The official SDK, as it comes from npm, drives what says who may enter: policies, groups, lists, applications, service tokens. */
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import Cloudflare, { BadRequestError, ConflictError, NotFoundError, PermissionDeniedError } from 'cloudflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appIdOf } from '../src/admin/access-app-store.ts'
import { applyDeclared } from '../src/admin/declared.ts'
import type { PortalUid } from '../src/base/ids.ts'
import { insertGroup } from '../src/policy/group-store.ts'
import { insertList } from '../src/policy/list-store.ts'
import { listPolicies } from '../src/policy/policy-store.ts'
import { type AdminRoom, DEAD, LOCAL, LOGS, openAdminRoom } from './admin-room.ts'
import { EXAMPLE_IDS, GROUP, LIST, POLICIES, RULES } from './cloudflare-examples.ts'
import { DATABASE_KINDS } from './databases.ts'
import { addProvider, letClientIn, signIn } from './support/people.ts'

const account_id = '023e105f4ecef8ad9ca31a8372d0c353'
const zone_id = '9a7806061c88ada191ed06f989cc3dac'

type PolicyBody = Parameters<Cloudflare['zeroTrust']['access']['policies']['create']>[0]

describe.each(DATABASE_KINDS)('the official cloudflare SDK on %s', (kind) => {
  let room: AdminRoom
  let listener: ServerType
  let client: Cloudflare
  let baseURL: string

  beforeAll(async () => {
    room = await openAdminRoom(kind, { configFile: 'portico.yaml' })
    listener = await new Promise<ServerType>((ready) => {
      const fetch = (request: Request) => room.fetch(request, LOCAL)
      const made = serve({ fetch, hostname: '127.0.0.1', port: 0 }, () => ready(made))
    })
    baseURL = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/client/v4`
    client = new Cloudflare({ apiToken: room.owner, baseURL })
    await makeWhatExamplesName(room)
    for (const id of ['github', 'ledger']) {
      const server = { account_id, id, name: id, hostname: DEAD, auth_type: 'unauthenticated' as const }
      await client.zeroTrust.access.aiControls.mcp.servers.create(server)
    }
    await client.zeroTrust.access.aiControls.mcp.portals.create({
      ...{ account_id, id: 'team', name: 'Team', hostname: 'team.example.com' },
      servers: [{ server_id: 'github' }],
    })
  })
  afterAll(async () => {
    await new Promise((done) => listener.close(done))
    await room.end()
  })

  const access = () => client.zeroTrust.access
  const appOf = async (name: string): Promise<string> => {
    const { result } = await access().applications.list({ account_id, name })
    return String((result[0] as { id?: string }).id)
  }
  const portalOf = (id: string) => access().aiControls.mcp.portals.read(id, { account_id })

  // [API-7]
  test.each(RULES.map(([decision, rule]) => [Object.keys(rule)[0], decision, rule] as const))(
    'the documentation’s example of %s is accepted unchanged',
    async (_name, decision, rule) => {
      const body = { account_id, name: 'example', decision, include: [rule] } as unknown as PolicyBody
      const made = await access().policies.create(body)
      expect(made).toMatchObject({ decision, include: [rule], reusable: true })
      expect(await access().policies.delete(String(made.id), { account_id })).toEqual({ id: made.id })
      const group = await access().groups.create({ zone_id, name: 'example', include: body.include })
      expect(group).toMatchObject({ include: [rule] })
      await access().groups.delete(String(group.id), { zone_id })
    },
  )

  test.each(POLICIES.map((policy) => [policy.name, policy] as const))(
    'the documentation’s policy "%s" is accepted unchanged, and shown as it was sent',
    async (_name, policy) => {
      const made = await access().policies.create({ account_id, ...policy } as unknown as PolicyBody)
      expect(await access().policies.get(String(made.id), { account_id })).toMatchObject(policy)
      const again = await access().policies.update(String(made.id), { account_id, ...made } as unknown as PolicyBody)
      expect({ ...again, modified_at: '', updated_at: '' }).toEqual({ ...made, modified_at: '', updated_at: '' })
      await access().policies.delete(String(made.id), { account_id })
    },
  )

  test('the documentation’s group and list are accepted unchanged', async () => {
    const group = await access().groups.create({ account_id, ...GROUP })
    expect(await access().groups.get(String(group.id), { account_id })).toMatchObject(GROUP)
    await access().groups.delete(String(group.id), { account_id })
    const { lists } = client.zeroTrust.gateway
    const list = await lists.create({ account_id, ...LIST, items: [...LIST.items] })
    expect(await lists.get(String(list.id), { account_id })).toMatchObject({ ...LIST, count: 1 })
    await lists.delete(String(list.id), { account_id })
  })

  // [API-7]
  test('groups are created, read, listed to the end, updated and deleted', async () => {
    const made = await access().groups.create({ account_id, name: 'Finance', include: [{ everyone: {} }] })
    const id = String(made.id)
    const names: (string | undefined)[] = []
    for await (const group of access().groups.list({ account_id, per_page: 1 })) names.push(group.name)
    expect(names).toEqual(['Example', 'Finance'])
    const include = [{ email_domain: { domain: 'acme.test' } }]
    expect(await access().groups.update(id, { account_id, name: 'Money', include })).toMatchObject({
      name: 'Money',
      include,
    })
    expect((await access().groups.list({ zone_id, name: 'Money' })).result).toHaveLength(1)
    expect(await access().groups.delete(id, { account_id })).toEqual({ id })
    await expect(access().groups.get(id, { account_id })).rejects.toBeInstanceOf(NotFoundError)
  })

  // [API-7]
  test('lists are created, read, listed, edited, replaced and deleted, and their items are listed to the end', async () => {
    const { lists } = client.zeroTrust.gateway
    const made = await lists.create({ account_id, name: 'Staff', type: 'EMAIL', items: [{ value: 'ada@acme.test' }] })
    const id = String(made.id)
    await lists.edit(id, {
      account_id,
      append: [{ value: 'bob@acme.test', description: 'guest' }],
      remove: ['ada@acme.test'],
    })
    await lists.edit(id, { account_id, append: [{ value: 'cyd@acme.test' }] })
    const values: (string | undefined)[] = []
    for await (const item of lists.items.list(id, { account_id, per_page: 1 })) values.push(item.value)
    expect(values).toEqual(['bob@acme.test', 'cyd@acme.test'])
    const names: (string | undefined)[] = []
    for await (const list of lists.list({ account_id, type: 'EMAIL' })) names.push(list.name)
    expect(names).toContain('Staff')
    const include = [{ email_list: { id } }]
    const policy = await access().policies.create({ account_id, name: 'Staff', decision: 'allow', include })
    await expect(lists.delete(id, { account_id })).rejects.toBeInstanceOf(ConflictError)
    await access().policies.delete(String(policy.id), { account_id })
    expect(await lists.update(id, { account_id, name: 'People', items: [] })).toMatchObject({
      name: 'People',
      count: 0,
    })
    await lists.delete(id, { account_id })
    await expect(lists.get(id, { account_id })).rejects.toBeInstanceOf(NotFoundError)
  })

  // [API-7]
  test('an application stands for each portal and server, and binds to it rather than making another', async () => {
    const apps = access().applications
    const found: unknown[] = []
    for await (const app of apps.list({ account_id, per_page: 1 })) found.push([app.type, app.name])
    expect(found).toEqual([
      ['mcp_portal', 'Team'],
      ['mcp', 'github'],
      ['mcp', 'ledger'],
    ])
    const policy = await access().policies.create({
      account_id,
      name: 'Staff',
      decision: 'allow',
      include: [{ everyone: {} }],
    })
    const portal = await apps.create({
      ...{ account_id, type: 'mcp_portal', name: 'team_mcp_portal', domain: 'team.example.com' },
      ...{ self_hosted_domains: ['team.example.com'], session_duration: '24h' },
      policies: [{ id: String(policy.id), precedence: 1 }],
    })
    expect(portal).toMatchObject({
      type: 'mcp_portal',
      name: 'team_mcp_portal',
      domain: 'team.example.com',
      session_duration: '24h',
    })
    const server = await apps.create({
      ...{ account_id, type: 'mcp', name: 'github' },
      destinations: [{ type: 'via_mcp_server_portal' as const, mcp_server_id: 'github' }],
      policies: [String(policy.id)],
    })
    expect(server).toMatchObject({ policies: [{ id: policy.id, precedence: 1, reusable: true }] })
    expect((await apps.list({ account_id })).result).toHaveLength(3)
    expect(await portalOf('team')).toMatchObject({ policies: [policy.id] })
    await expect(access().policies.delete(String(policy.id), { account_id })).rejects.toBeInstanceOf(ConflictError)

    // What was read may be sent back whole.
    const id = await appOf('team_mcp_portal')
    const before = await apps.get(id, { account_id })
    const again = await apps.update(id, { account_id, ...before } as Parameters<typeof apps.update>[1])
    expect({ ...again, modified_at: '', updated_at: '' }).toEqual({ ...before, modified_at: '', updated_at: '' })

    await apps.update(id, { account_id, type: 'mcp_portal', policies: [] })
    await apps.update(await appOf('github'), { account_id, type: 'mcp', policies: [] })
    expect(await portalOf('team')).toMatchObject({ policies: [] })
    await access().policies.delete(String(policy.id), { account_id })
  })

  // [API-7]
  test('an application has policies of its own, which are ordered, made reusable, and go with it', async () => {
    const apps = access().applications
    const id = await appOf('ledger')
    type Own = Parameters<typeof apps.policies.create>[1] & { name: string }
    const make = (name: string, more: object = {}) =>
      apps.policies.create(id, {
        account_id,
        name,
        decision: 'allow',
        include: [{ everyone: {} }],
        ...more,
      } as unknown as Own)
    const first = await make('First')
    const second = await make('Second', { precedence: 1 })
    const names: unknown[] = []
    for await (const one of apps.policies.list(id, { account_id, per_page: 1 }))
      names.push([one.name, (one as { precedence?: number }).precedence])
    expect(names).toEqual([
      ['Second', 1],
      ['First', 2],
    ])
    const include = [{ everyone: {} }]
    const of = { account_id, app_id: id }
    const body = { ...of, name: 'First', decision: 'deny' as const, include, precedence: 1 }
    expect(await apps.policies.update(String(first.id), body)).toMatchObject({ decision: 'deny', precedence: 1 })
    const reusable: (string | undefined)[] = []
    for await (const one of access().policies.list({ account_id })) reusable.push(one.name)
    expect(reusable).not.toContain('First')
    await expect(access().policies.get(String(first.id), { account_id })).rejects.toBeInstanceOf(NotFoundError)

    // No other application can name it, until it is made reusable.
    const team = access().aiControls.mcp.portals.update('team', { account_id, policies: [first.id] } as never)
    await expect(team).rejects.toBeInstanceOf(BadRequestError)
    const path = `/accounts/${account_id}/access/apps/${id}/policies/${first.id}/make_reusable` as const
    expect(await client.put(path)).toMatchObject({ result: { reusable: true } })
    await expect(apps.policies.update(String(first.id), { ...body, name: 'Other' })).rejects.toBeInstanceOf(
      BadRequestError,
    )
    expect(await access().policies.get(String(first.id), { account_id })).toMatchObject({ name: 'First', app_count: 1 })

    const inline = await apps.update(id, {
      ...{ account_id, type: 'mcp' },
      policies: [String(first.id), { name: 'Inline', decision: 'allow', include: [{ everyone: {} }] } as never],
    })
    expect(inline).toMatchObject({ policies: [{ name: 'First' }, { name: 'Inline', reusable: false }] })
    const stored = (await listPolicies(room.at.store.db)).map(({ name }) => name)
    expect(stored).not.toContain('Second')
    await expect(apps.policies.get(String(second.id), of)).rejects.toBeInstanceOf(NotFoundError)
    await apps.policies.delete(String(first.id), of)
    await access().policies.delete(String(first.id), { account_id })

    await access().aiControls.mcp.servers.delete('ledger', { account_id })
    expect((await listPolicies(room.at.store.db)).filter(({ appId }) => appId !== null)).toEqual([])
    await expect(apps.get(id, { account_id })).rejects.toBeInstanceOf(NotFoundError)
  })

  test('an application that is deleted leaves a portal that nobody enters, and a server that is not opened', async () => {
    const apps = access().applications
    const policy = await access().policies.create({
      account_id,
      name: 'Some',
      decision: 'allow',
      include: [{ everyone: {} }],
    })
    const [team, github] = [await appOf('team_mcp_portal'), await appOf('github')]
    for (const id of [team, github]) await apps.policies.list(id, { account_id })
    await apps.update(team, { account_id, type: 'mcp_portal', policies: [String(policy.id)] })
    await apps.update(github, { account_id, type: 'mcp', policies: [String(policy.id)] })
    expect(await apps.delete(team, { account_id })).toEqual({ id: team })
    expect(await apps.delete(github, { account_id })).toEqual({ id: github })
    expect(await portalOf('team')).toMatchObject({ policies: [], servers: [{ policies: [], own_policies: true }] })
    expect(await apps.get(team, { account_id })).toMatchObject({ name: 'Team', policies: [] })
    expect(await apps.get(team, { account_id })).not.toHaveProperty('session_duration')
    await access().aiControls.mcp.servers.update('github', { account_id, own_policies: false } as never)
    expect(await portalOf('team')).toMatchObject({ servers: [{ policies: [], own_policies: false }] })
    await access().policies.delete(String(policy.id), { account_id })
  })

  test('what would restrict and is not enforced is refused, and so is what names nothing', async () => {
    const apps = access().applications
    const portal = { account_id, type: 'mcp_portal' as const, domain: 'team.example.com' }
    const server = { account_id, type: 'mcp' as const }
    const bad = [
      { ...portal, allowed_idps: [EXAMPLE_IDS.provider] },
      { ...portal, domain: 'nowhere.example.com' },
      { ...portal, destinations: [{ type: 'public', uri: 'other.example.com' }] },
      { ...portal, policies: ['no-such-policy'] },
      { ...server },
      { ...server, destinations: [{ type: 'via_mcp_server_portal', mcp_server_id: 'none' }] },
      { ...server, destinations: [{ type: 'private', hostname: 'x' }] },
      { account_id, type: 'self_hosted', domain: 'team.example.com' },
    ]
    for (const body of bad) {
      await expect(apps.create(body as never), JSON.stringify(body)).rejects.toBeInstanceOf(BadRequestError)
    }
    expect((await apps.list({ account_id })).result).toHaveLength(2)
  })

  test('who may write policies and not portals changes no application, and no reader changes anything', async () => {
    const policies = new Cloudflare({
      apiToken: await room.token('admin', { scopes: ['policies:read', 'policies:write'] }),
      baseURL,
    })
    const id = await appOf('Team')
    const change = { account_id, type: 'mcp_portal' as const, policies: [] }
    await expect(policies.zeroTrust.access.applications.update(id, change)).rejects.toBeInstanceOf(
      PermissionDeniedError,
    )
    await expect(policies.zeroTrust.access.applications.revokeTokens(id, { account_id })).rejects.toBeInstanceOf(
      PermissionDeniedError,
    )
    const made = await policies.zeroTrust.access.groups.create({
      account_id,
      name: 'Mine',
      include: [{ everyone: {} }],
    })
    const reader = new Cloudflare({ apiToken: await room.token('auditor'), baseURL })
    expect(await reader.zeroTrust.access.groups.get(String(made.id), { account_id })).toMatchObject({ name: 'Mine' })
    await expect(reader.zeroTrust.access.groups.delete(String(made.id), { account_id })).rejects.toBeInstanceOf(
      PermissionDeniedError,
    )
    await policies.zeroTrust.access.groups.delete(String(made.id), { account_id })
  })

  // [API-7]
  test('the tokens of a portal are revoked, and those of another portal stand', async () => {
    const uid = (
      await room.at.store.db.selectFrom('portals').select('uid').where('id', '=', 'team').executeTakeFirstOrThrow()
    ).uid
    await access().aiControls.mcp.portals.create({
      account_id,
      id: 'other',
      name: 'Other',
      hostname: 'other.example.com',
    })
    const other = await room.at.store.db
      .selectFrom('portals')
      .select('uid')
      .where('id', '=', 'other')
      .executeTakeFirstOrThrow()
    const { store, sealer } = room.deps
    const ada = await signIn({ store, sealer, browsers: room.browsers }, 'ada@acme.test')
    const later = room.clock.now() + 3_600_000
    await letClientIn(store, ada, uid as PortalUid, later)
    await letClientIn(store, ada, other.uid as PortalUid, later)
    expect(await access().applications.revokeTokens(appIdOf(uid as PortalUid), { account_id })).toEqual({
      clients: 1,
      access_tokens: 0,
    })
    const standing = await store.db
      .selectFrom('access_tokens')
      .select('portal_uid')
      .where('revoked_at', 'is', null)
      .execute()
    expect(standing).toEqual([{ portal_uid: other.uid }])
    await access().aiControls.mcp.portals.delete('other', { account_id })
  })

  test('service tokens are driven by account and by zone', async () => {
    const { serviceTokens } = access()
    const made = await serviceTokens.create({ zone_id, name: 'ci' })
    const id = String(made.id)
    const policy = await access().policies.create({
      ...{ account_id, name: 'CI', decision: 'non_identity' },
      include: [{ service_token: { token_id: id } }],
    })
    expect(await serviceTokens.get(id, { zone_id })).toMatchObject({ name: 'ci' })
    expect((await serviceTokens.rotate(id, { account_id })).client_secret).toMatch(/^ptst_/)
    await access().policies.delete(String(policy.id), { account_id })
    expect(await serviceTokens.delete(id, { zone_id })).toMatchObject({ id })
  })

  // [API-4]
  test('what the configuration file declares is read by the SDK and changed by nobody', async () => {
    await applyDeclared(room.deps, {
      ...{ servers: [], portals: [{ id: 'fixed', name: 'Fixed', hostname: 'fixed.example.com', policies: ['staff'] }] },
      lists: [{ id: 'people', name: 'People', type: 'EMAIL', items: [{ value: 'ada@acme.test' }] }],
      groups: [
        { id: 'outer', name: 'Outer', include: [{ group: { id: 'inner' } }] },
        { id: 'inner', name: 'Inner', include: [{ email_list: { id: 'people' } }] },
      ],
      policies: [{ id: 'staff', name: 'Staff', decision: 'allow', include: [{ group: { id: 'outer' } }] }],
    })
    const { lists } = client.zeroTrust.gateway
    expect(await lists.get('people', { account_id })).toMatchObject({
      origin: 'file',
      items: [{ value: 'ada@acme.test' }],
    })
    const app = await appOf('Fixed')
    const include = [{ everyone: {} }]
    const changes = [
      () => lists.edit('people', { account_id, append: [{ value: 'eve@acme.test' }] }),
      () => lists.delete('people', { account_id }),
      () => access().groups.update('inner', { account_id, name: 'x', include }),
      () => access().groups.delete('outer', { account_id }),
      () => access().policies.update('staff', { account_id, name: 'x', decision: 'allow', include }),
      () => access().applications.update(app, { account_id, type: 'mcp_portal', policies: [] }),
      () => access().applications.delete(app, { account_id }),
    ]
    for (const change of changes) await expect(change()).rejects.toBeInstanceOf(PermissionDeniedError)
    expect(await portalOf('fixed')).toMatchObject({ policies: ['staff'] })

    await applyDeclared(room.deps, { servers: [], portals: [], policies: [] })
    for (const id of ['outer', 'inner']) {
      await expect(access().groups.get(id, { account_id })).rejects.toBeInstanceOf(NotFoundError)
    }
    await expect(lists.get('people', { account_id })).rejects.toBeInstanceOf(NotFoundError)
  })

  test('the audit names what was changed, by whom, and never a value', async () => {
    const policy = await access().policies.create({
      ...{ account_id, name: 'Canary', decision: 'allow', include: [{ email: { email: 'canary@acme.test' } }] },
    })
    await access().applications.update(await appOf('Team'), {
      account_id,
      type: 'mcp_portal',
      policies: [String(policy.id)],
    })
    const rows = JSON.stringify((await room.ask('GET', `${LOGS}?plane=admin&limit=20`)).body.result)
    expect(rows).toContain('"app"')
    expect(rows).toContain('"policy"')
    expect(rows).not.toContain('canary@')
  })
})

async function makeWhatExamplesName({ at: { store } }: AdminRoom): Promise<void> {
  const author = { label: 'test', origin: 'api' as const }
  await addProvider(store, EXAMPLE_IDS.provider)
  const now = store.clock.now()
  await store.write(async (trx) => {
    const criteria = { include: [{ everyone: {} }], exclude: [], require: [] }
    await insertGroup(store, trx, { id: EXAMPLE_IDS.group, name: 'Example', ...criteria, isDefault: false }, author)
    for (const id of EXAMPLE_IDS.emailLists) {
      await insertList(store, trx, { id, name: id, description: null, type: 'EMAIL', items: [] }, author)
    }
    await trx
      .insertInto('service_tokens')
      .values({
        ...{ id: EXAMPLE_IDS.serviceToken, name: 'example', client_id: 'x.access', secret_digest: 'x', duration: '1h' },
        ...{ previous_secret_digest: null, previous_expires_at: null, client_secret_version: 1, enabled: 1 },
        ...{ expires_at: null, created_at: now, updated_at: now, last_seen_at: null },
      })
      .execute()
  })
}
