import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../src/base/clock.ts'
import type { PolicyId, PortalId, ServerId, ServerUid } from '../src/base/ids.ts'
import { digest, keyRing, newSecret, openSealer } from '../src/base/secret.ts'
import { findAccessToken, insertAccessToken, revokeAccessToken } from '../src/identity/access-token-store.ts'
import { countLastingOwners, findApiToken, insertApiToken, revokeApiToken } from '../src/identity/api-token-store.ts'
import { findServiceToken, insertServiceToken, updateServiceToken } from '../src/identity/service-token-store.ts'
import { findOrCreateUser } from '../src/identity/user-store.ts'
import { insertPolicy, listPolicies, updatePolicy } from '../src/policy/policy-store.ts'
import {
  deletePortal,
  insertPortal,
  listPortals,
  type PortalContent,
  readPortal,
  updatePortal,
} from '../src/portal/portal-store.ts'
import { DEFAULT_RELAY } from '../src/upstream/model.ts'
import {
  deleteServer,
  insertServer,
  listServers,
  type NewServer,
  readServer,
  readServerSecrets,
  updateServer,
  updateServerState,
} from '../src/upstream/server-store.ts'
import { DATABASE_KINDS, freshStore, type TestStore } from './databases.ts'

const author = { label: 'ada', origin: 'api' as const }
const sealer = openSealer(keyRing([Buffer.alloc(32, 7)]), 'store')

function aServer(id: string, secrets: Partial<NewServer['secrets']> = {}): NewServer {
  return {
    identity: { id: id as ServerId, hostname: 'https://up.test/mcp', authType: 'bearer', transport: null },
    content: {
      name: id,
      description: null,
      isolation: 'per_credential',
      definitions: 'hold_changed',
      instructions: 'off',
      updatedTools: null,
      updatedPrompts: [],
      policies: null,
      allowPrivate: [],
      deadlines: null,
      identityWish: null,
      sharedOauthCallback: false,
      secureWebGateway: false,
    },
    secrets: { authCredentials: 'canary-token', clientSecret: null, env: {}, ...secrets },
    authenticationStatus: 'not_required',
  }
}

function aPortal(hostname: string, servers: readonly ServerUid[] = []): PortalContent {
  return {
    hostname,
    name: 'Portal',
    description: null,
    codeMode: 'opt_in',
    secureWebGateway: false,
    policies: ['p1' as PolicyId],
    serviceTokenHeader: null,
    mappings: servers.map((serverUid) => ({
      serverUid,
      defaultDisabled: false,
      onBehalf: true,
      updatedTools: [{ name: 'echo', alias: 'say' }],
      updatedPrompts: null,
    })),
  }
}

describe.each(DATABASE_KINDS)('records on %s', (kind) => {
  let now = 1_800_000_000_000
  const clock: Clock = { now: () => now, elapsed: () => now }
  let at: TestStore
  beforeEach(async () => {
    at = await freshStore(kind, clock)
  })
  afterEach(() => at.end())

  const makeServer = (id: string, secrets?: Partial<NewServer['secrets']>): Promise<ServerUid> =>
    at.store.write((trx) => insertServer(at.store, trx, aServer(id, secrets), { author, sealer }))

  test('a server comes back as it was written, and its secrets only by their own function', async () => {
    const uid = await makeServer('alpha', { env: { TOKEN: 'canary-env' } })
    const server = await readServer(at.store.db, 'alpha')
    expect(server).toMatchObject({
      uid,
      id: 'alpha',
      status: 'waiting',
      updatedTools: null,
      updatedPrompts: [],
      hasAuthCredentials: true,
    })
    expect(JSON.stringify(server)).not.toContain('canary')
    expect(await readServerSecrets(at.store.db, sealer, uid)).toEqual({
      authCredentials: 'canary-token',
      clientSecret: null,
      env: { TOKEN: 'canary-env' },
    })
    const raw = JSON.stringify(await at.store.db.selectFrom('servers').selectAll().execute())
    for (const secret of ['canary-token', 'canary-env']) {
      expect(raw).not.toContain(secret)
      expect(raw).not.toContain(Buffer.from(secret).toString('base64').slice(0, 12))
    }
  })

  test('the deadlines of a server come back as they were written, changed and taken away', async () => {
    const uid = await makeServer('alpha')
    const { content } = aServer('alpha')
    const read = async () => (await readServer(at.store.db, 'alpha'))?.deadlines
    expect(await read()).toBeNull()
    for (const deadlines of [
      { idleSeconds: 1, totalSeconds: null },
      { idleSeconds: 3600, totalSeconds: 86_400 },
      null,
    ]) {
      const change = { content: { ...content, deadlines }, secrets: {} }
      await at.store.write((trx) => updateServer(at.store, trx, uid, { change, author, sealer }))
      expect(await read()).toEqual(deadlines)
    }
    const one = { idleSeconds: null, totalSeconds: 5 }
    const made = { ...aServer('beta'), content: { ...content, name: 'beta', deadlines: one } }
    await at.store.write((trx) => insertServer(at.store, trx, made, { author, sealer }))
    expect((await readServer(at.store.db, 'beta'))?.deadlines).toEqual(one)
  })

  test('which questions of a server reach people comes back as it was written, and nothing said is what holds for all', async () => {
    const uid = await makeServer('alpha')
    const { content } = aServer('alpha')
    const read = async () => (await readServer(at.store.db, 'alpha'))?.relay
    expect(await read()).toEqual(DEFAULT_RELAY)
    const quiet = { elicitation: false, sampling: true, samplingMaxTokens: 200, roots: false, answerSeconds: 60 }
    for (const relay of [quiet, DEFAULT_RELAY]) {
      const change = { content: { ...content, relay }, secrets: {} }
      await at.store.write((trx) => updateServer(at.store, trx, uid, { change, author, sealer }))
      expect(await read()).toEqual(relay)
      const row = await at.store.db.selectFrom('servers').select('relay').executeTakeFirstOrThrow()
      expect(row.relay === null).toBe(relay === DEFAULT_RELAY)
    }
    // As a program wrote it that knew fewer of them.
    await at.store.db.updateTable('servers').set({ relay: '{"elicitation":false}' }).execute()
    expect(await read()).toEqual({ ...DEFAULT_RELAY, elicitation: false })
  })

  test('a sealed credential that is moved to another server does not open', async () => {
    const one = await makeServer('one')
    const two = await makeServer('two')
    const { auth_credentials_sealed } = await at.store.db
      .selectFrom('servers')
      .select('auth_credentials_sealed')
      .where('uid', '=', one)
      .executeTakeFirstOrThrow()
    await at.store.db.updateTable('servers').set({ auth_credentials_sealed }).where('uid', '=', two).execute()
    await expect(readServerSecrets(at.store.db, sealer, two)).rejects.toThrow('does not open')
  })

  test('a server that is made again under its old id is another server and inherits nothing', async () => {
    const old = await makeServer('alpha')
    const portal = await at.store.write((trx) =>
      insertPortal(at.store, trx, { id: 'main' as PortalId, ...aPortal('a.test', [old]) }, author),
    )
    await at.store.db
      .insertInto('inventories')
      .values({
        server_uid: old,
        credential: 'admin',
        version: 1,
        era: '2025',
        capabilities: '{}',
        tools: '[]',
        prompts: '[]',
        resources: '[]',
        templates: '[]',
        held: '[]',
        instructions: null,
        synced_at: 1,
      })
      .execute()
    await at.store.db
      .insertInto('toggles')
      .values({ owner: 'grant:g', server_uid: old, enabled: 0, set_at: 1 })
      .execute()
    await at.store.write((trx) => deleteServer(at.store, trx, old))
    const made = await makeServer('alpha', { authCredentials: null })
    expect(made).not.toBe(old)
    expect(await readServerSecrets(at.store.db, sealer, made)).toEqual({
      authCredentials: null,
      clientSecret: null,
      env: {},
    })
    expect((await readPortal(at.store.db, 'main'))?.mappings).toEqual([])
    expect((await readPortal(at.store.db, 'main'))?.uid).toBe(portal)
    expect(await at.store.db.selectFrom('inventories').selectAll().execute()).toEqual([])
    expect(await at.store.db.selectFrom('toggles').selectAll().execute()).toEqual([])
  })

  test('a new credential forgets what the old one saw; other changes do not', async () => {
    const uid = await makeServer('alpha')
    await at.store.write((trx) =>
      updateServerState(at.store, trx, uid, { status: 'ready', error: null, lastSynced: 5 }),
    )
    const { content } = aServer('alpha')
    const rename = { content: { ...content, name: 'Renamed' }, secrets: {} }
    await at.store.write((trx) => updateServer(at.store, trx, uid, { change: rename, author, sealer }))
    expect(await readServer(at.store.db, 'alpha')).toMatchObject({ name: 'Renamed', status: 'ready', lastSynced: 5 })
    const renew = { content, secrets: { clientSecret: 's2' }, authenticationStatus: 'required' as const }
    await at.store.write((trx) => updateServer(at.store, trx, uid, { change: renew, author, sealer }))
    expect(await readServer(at.store.db, 'alpha')).toMatchObject({
      status: 'waiting',
      authenticationStatus: 'required',
      clientSecretVersion: 1,
    })
    expect(await readServerSecrets(at.store.db, sealer, uid)).toMatchObject({
      authCredentials: 'canary-token',
      clientSecret: 's2',
    })
  })

  test('servers and portals keep the order in which they were made, mappings the order that was sent', async () => {
    const uids: ServerUid[] = []
    for (const id of ['c', 'a', 'b']) uids.push(await makeServer(id))
    expect((await listServers(at.store.db)).map((server) => server.id)).toEqual(['c', 'a', 'b'])
    const reversed = uids.toReversed()
    for (const id of ['z', 'y']) {
      await at.store.write((trx) =>
        insertPortal(at.store, trx, { id: id as PortalId, ...aPortal(`${id}.test`, reversed) }, author),
      )
    }
    const portals = await listPortals(at.store.db)
    expect(portals.map((portal) => portal.id)).toEqual(['z', 'y'])
    expect(portals[0]?.mappings.map((mapping) => mapping.serverUid)).toEqual(reversed)
    const first = portals[0]
    if (first === undefined) throw new Error('no portal')
    now += 5
    const change = { content: { ...first, mappings: first.mappings.toReversed() }, author: { ...author, label: 'bob' } }
    await at.store.write((trx) => updatePortal(at.store, trx, first.uid, change))
    const after = await readPortal(at.store.db, 'z')
    expect(after?.mappings.map((mapping) => mapping.serverUid)).toEqual(uids)
    expect(after).toMatchObject({ createdBy: 'ada', modifiedBy: 'bob', createdAt: now - 5, modifiedAt: now })
  })

  test('policies come back with their criteria', async () => {
    const content = {
      name: 'All',
      decision: 'allow' as const,
      include: [{ everyone: {} }],
      exclude: [],
      require: [],
      extra: { session_duration: '24h' },
    }
    const id = await at.store.write((trx) => insertPolicy(at.store, trx, content, author))
    expect(await listPolicies(at.store.db)).toMatchObject([{ id, ...content }])
    await at.store.write((trx) =>
      updatePolicy(at.store, trx, id, { content: { ...content, decision: 'deny' }, author }),
    )
    expect((await listPolicies(at.store.db))[0]?.decision).toBe('deny')
  })

  test('an access token is found by its digest, carries its user, and dies with its portal', async () => {
    const secret = newSecret('ptat')
    const portalUid = await at.store.write((trx) =>
      insertPortal(at.store, trx, { id: 'main' as PortalId, ...aPortal('a.test') }, author),
    )
    const before = at.store.versions.get('tokens')
    const [id, second] = await at.store.write(async (trx) => {
      const { id: userId } = await findOrCreateUser(at.store, trx, 'ada@acme.test')
      const again = await findOrCreateUser(at.store, trx, 'ada@acme.test')
      expect(again.id).toBe(userId)
      const made = { userId, portalUid, name: null, createdBy: 'cli', expiresAt: now + 1000 }
      return [
        await insertAccessToken(at.store, trx, { ...made, digest: digest(secret) }),
        await insertAccessToken(at.store, trx, { ...made, digest: digest('other') }),
      ]
    })
    expect(at.store.versions.get('tokens')).toBeGreaterThan(before)
    expect(await findAccessToken(at.store.db, digest(secret))).toMatchObject({
      id,
      email: 'ada@acme.test',
      portalUid,
      grantId: id,
    })
    await at.store.write((trx) => revokeAccessToken(at.store, trx, second ?? ''))
    expect((await findAccessToken(at.store.db, digest('other')))?.revokedAt).toBe(now)
    await at.store.write((trx) => deletePortal(at.store, trx, portalUid))
    expect(await findAccessToken(at.store.db, digest(secret))).toBeUndefined()
  })

  test('a service token is found by its client id, and an update leaves alone what it does not name', async () => {
    const made = {
      name: 'bot',
      clientId: 'ab.access',
      secretDigest: 'd1',
      duration: '8760h',
      enabled: true,
      expiresAt: null,
    }
    const id = await at.store.write((trx) => insertServiceToken(at.store, trx, made))
    await at.store.write((trx) =>
      updateServiceToken(at.store, trx, id, {
        secretDigest: 'd2',
        previousSecretDigest: 'd1',
        previousExpiresAt: now + 1,
      }),
    )
    expect(await findServiceToken(at.store.db, 'ab.access')).toMatchObject({
      ...made,
      secretDigest: 'd2',
      previousSecretDigest: 'd1',
      enabled: true,
    })
  })

  test('of two revocations at once, one finds that it would take the last owner', async () => {
    const make = (name: string) =>
      at.store.write((trx) =>
        insertApiToken(at.store, trx, {
          name,
          role: 'owner',
          scopes: [],
          createdBy: 'test',
          expiresAt: null,
          digest: digest(name),
        }),
      )
    const ids = [await make('one'), await make('two')]
    const revoke = (id: (typeof ids)[number]) =>
      at.store.write(async (trx) => {
        if ((await countLastingOwners(trx, id)) === 0) return false
        await revokeApiToken(at.store, trx, id)
        return true
      })
    expect((await Promise.all(ids.map(revoke))).toSorted()).toEqual([false, true])
    const left = [await findApiToken(at.store.db, digest('one')), await findApiToken(at.store.db, digest('two'))]
    expect(left.filter((token) => token?.revokedAt === null)).toHaveLength(1)
  })
})
