/** Another key for the same data, as the stores that seal see it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { GrantId, PolicyId, PortalId, PortalUid, ServerId, ServerUid } from '../src/base/ids.ts'
import { keyRing, openSealer, type Sealer } from '../src/base/secret.ts'
import { listSigningKeys, openSigningKey } from '../src/identity/assertions/key-store.ts'
import { replaceSigningKey } from '../src/identity/assertions/keys.ts'
import { readForRecheck, saveSignIn, type Vouched } from '../src/identity/identity-store.ts'
import { makeAdapters } from '../src/identity/oauth/artifact-store.ts'
import { insertAttempt, takeAttempt } from '../src/identity/providers/attempt-store.ts'
import { insertProvider, readProviderSecret } from '../src/identity/providers/provider-store.ts'
import { type ApprovalAbout, readApproval, requestApproval, writeWord } from '../src/portal/approval-store.ts'
import { handAnswers, openPark, putReply, sealedAt, takeAnswers, takeReply } from '../src/portal/park-store.ts'
import { insertPortal } from '../src/portal/portal-store.ts'
import { readPurpose, savePurpose } from '../src/portal/purpose-store.ts'
import { KEY_CHECK, proveKey } from '../src/store/key-check.ts'
import { MIGRATIONS } from '../src/store/migrate.ts'
import { countOpening, reseal } from '../src/store/reseal.ts'
import { readSetting } from '../src/store/settings-store.ts'
import { shapeAt } from '../src/store/shape.ts'
import { openConnectionRow, saveConnection } from '../src/upstream/connections/connection-store.ts'
import { insertServer, type NewServer, readServerSecrets } from '../src/upstream/server-store.ts'
import { DATABASE_KINDS, freshStore, type TestStore } from './databases.ts'

const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const ring = (...keys: Buffer[]) => openSealer(keyRing(keys), 'store')
const KID = keyRing([NEW]).keys[0]?.kid ?? ''
const author = { label: 'test', origin: 'api' as const }
const secrets = { authCredentials: 'credential', clientSecret: 'client', env: { TOKEN: 'environment' } }
const ADA: Vouched = {
  ...{ provider: 'p', issuer: 'https://idp.test', subject: 's', groups: null, amr: [], claims: {} },
  ...{ email: null, name: 'Ada', idToken: 'id', refreshToken: 'refresh' },
}
const SECRETS = { nonce: 'n', verifier: 'v', issuer: 'https://idp.test' }

function content(): NewServer['content'] {
  return {
    ...{ name: 'S', description: null, isolation: 'per_credential', definitions: 'hold_changed', instructions: 'off' },
    ...{ allowPrivate: [], deadlines: null, updatedTools: null, updatedPrompts: null, policies: null },
    ...{ identityWish: null, sharedOauthCallback: false, secureWebGateway: false },
  }
}

describe.each(DATABASE_KINDS)('a new key on %s', (kind) => {
  let at: TestStore
  let uid: ServerUid
  beforeEach(async () => {
    at = await freshStore(kind)
    await proveKey(at.store, ring(OLD))
    uid = await at.store.write((trx) =>
      insertServer(
        at.store,
        trx,
        {
          identity: { id: 'one' as ServerId, hostname: 'https://one.test', authType: 'bearer', transport: null },
          content: content(),
          secrets,
          authenticationStatus: 'not_required',
        },
        { author, sealer: ring(OLD) },
      ),
    )
  })
  afterEach(() => at.end())

  test('seals every stored secret, after which the old key opens nothing', async () => {
    expect(await reseal(at.store.db, ring(NEW, OLD), KID)).toBe(4)
    expect(await countOpening(at.store.db, ring(OLD))).toEqual({ opening: 0, closed: 4 })
    expect(await countOpening(at.store.db, ring(NEW))).toEqual({ opening: 4, closed: 0 })
    expect(await readServerSecrets(at.store.db, ring(NEW), uid)).toEqual(secrets)
    await proveKey(at.store, ring(NEW))
    await expect(proveKey(at.store, ring(OLD))).rejects.toThrow('not the one that this data was written with')
  })

  test('seals what signing in keeps, which the rooms that kept it read with the new key alone', async () => {
    const { store } = at
    const old = ring(OLD)
    await replaceSigningKey({ store, sealer: old }, () => true)
    const who = await store.write((trx) => saveSignIn(store, trx, ADA, old))
    if (who === 'disabled') throw new Error('disabled')
    const provider = await store.write((trx) =>
      insertProvider({ store, trx, sealer: old, author }, 'oidc', { name: 'P', config: {}, clientSecret: 'shh' }),
    )
    const attempt = { id: 'a1', binding: 'b1', providerId: provider }
    await insertAttempt(store, old, { ...attempt, secrets: SECRETS, returnTo: '/' })
    const artifacts = (sealer: Sealer) => makeAdapters({ store, sealer, clients: {} as never })('Interaction')
    await artifacts(old).upsert('i1', { uid: 'u1', returnTo: '/x' }, 600)

    expect(await reseal(store.db, ring(NEW, OLD), KID)).toBe(4 + 6)
    expect((await countOpening(store.db, old)).opening).toBe(0)
    const fresh = ring(NEW)
    const [key] = await listSigningKeys(store.db)
    expect(key && openSigningKey(key, fresh)).toContain('"d":')
    expect(await readForRecheck(store.db, fresh, who.identityId)).toMatchObject({ refreshToken: 'refresh' })
    expect(await readProviderSecret(store.db, fresh, provider)).toBe('shh')
    expect(await takeAttempt(store, fresh, attempt)).toEqual({ secrets: SECRETS, returnTo: '/' })
    expect(await artifacts(fresh).find('i1')).toMatchObject({ uid: 'u1', returnTo: '/x' })
  })

  test('seals what is held at servers, on the way there, and what events are signed with', async () => {
    const { store } = at
    const [old, fresh] = [ring(OLD), ring(NEW)]
    const tokens = { access: 'access', type: 'Bearer', refresh: 'refresh' }
    const content = { kind: 'oauth', issuer: 'i', resource: 'r', clientId: 'c', scope: null, account: null } as const
    const life = { expiresAt: null, renewAt: null }
    const whose = { serverUid: uid, owner: 'admin', createdBy: 'test' } as const
    await store.write((trx) => saveConnection(store, trx, old, { ...content, ...life, tokens, ...whose }))
    const once = { created_at: 1, expires_at: 2 }
    const sealed = (where: string) => old.seal(`of ${where}`, where)
    await store.db
      .insertInto('upstream_clients')
      .values({
        ...{ id: 'c1', server_uid: uid, issuer: 'i', kind: 'registered', client_id: 'c', auth_method: 'none' },
        ...{ client_secret_sealed: sealed('upstream_clients/c1/client_secret'), redirect_uri: 'u', ...once },
      })
      .execute()
    await store.db
      .insertInto('connect_attempts')
      .values({
        ...{ id: 'a1', server_uid: uid, owner: 'admin', cookie_digest: 'd', started_by: 'x', issuer: 'i', ...once },
        ...{ redirect_uri: 'u', scope: null, return_to: '/', used_at: null, account: null, granted_scope: null },
        ...{ secrets_sealed: sealed('connect_attempts/a1/secrets'), confirmed_at: null },
        result_sealed: sealed('connect_attempts/a1/result'),
      })
      .execute()
    await store.db
      .insertInto('webhooks')
      .values({
        ...{ id: 'w1', name: 'W', url: 'https://hook.test', events: '[]', enabled: 1, allow_private: '[]' },
        ...{ secret_sealed: sealed('webhooks/w1/secret'), secret_version: 1, origin: 'api', created_at: 1 },
        ...{ created_by: 'x', modified_at: 1, modified_by: 'x' },
      })
      .execute()
    expect(await reseal(store.db, ring(NEW, OLD), KID)).toBe(4 + 5)
    expect((await countOpening(store.db, old)).opening).toBe(0)
    expect((await openConnectionRow(store.db, fresh, uid, 'admin'))?.tokens).toEqual(tokens)
  })

  test('seals what calls were asked about, and why', async () => {
    const { store } = at
    const [old, fresh] = [ring(OLD), ring(NEW)]
    const key = { owner: 'grant:g', policy: 'p' as PolicyId }
    await savePurpose(store, old, key, { text: 'invoice 12', life: 60_000 })
    const about: ApprovalAbout = {
      ...{ portal: 'P', server: { id: 's', name: 'S' }, kind: 'tool', name: 'post', sent: '{}' },
      ...{ client: null, purposes: ['invoice 12'] },
    }
    const requester = { kind: 'user', id: 'u', label: 'U', email: null, issuer: null, subject: null } as const
    const made = {
      ...{ id: 'a1', binding: 'b', principal: 'user:u', grant: 'g' as GrantId, portalUid: 'p' as PortalUid },
      ...{ serverUid: uid, policy: key.policy, requester, needs: [{ needed: 1, emails: ['ada@acme.test'] }], about },
    }
    await store.write(async (trx) => {
      await requestApproval(store, trx, made, old)
      const approval = await readApproval(trx, 'a1', old)
      const by = { user: 'a', issuer: 'i', subject: 'a', email: 'ada@acme.test', at: 1 }
      if (approval !== undefined)
        await writeWord({ store, trx, sealer: old }, approval, { kind: 'reject', by, reason: 'too much' })
    })
    expect(await reseal(store.db, ring(NEW, OLD), KID)).toBe(4 + 3)
    expect((await countOpening(store.db, old)).opening).toBe(0)
    expect(await readPurpose(store, fresh, key)).toBe('invoice 12')
    expect(await readApproval(store.db, 'a1', fresh)).toMatchObject({ about, words: [{ reason: 'too much' }] })
  })

  test('seals what processes hand each other for a call that waits', async () => {
    const { store } = at
    const [old, fresh] = [ring(OLD), ring(NEW)]
    const portal = {
      ...{ id: 'p' as PortalId, hostname: 'localhost', name: 'P', description: null, codeMode: 'opt_in' as const },
      ...{ secureWebGateway: false, policies: [], mappings: [], serviceTokenHeader: null },
    }
    const portalUid = await store.write((trx) => insertPortal(store, trx, portal, author))
    await openPark(store, { id: 'k', principal: 'user:u', owner: 'grant:g', portalUid, node: 'n' }, 60_000)
    await handAnswers(
      store,
      { id: 'k', principal: 'user:u', owner: 'grant:g' },
      old.seal('yes', sealedAt('k', 'answers')),
    )
    await putReply(store, 'k', old.seal('done', sealedAt('k', 'reply')))
    expect(await reseal(store.db, ring(NEW, OLD), KID)).toBe(4 + 2)
    const answers = (await takeAnswers(store, ['k'])).get('k') ?? ''
    expect(fresh.open(answers, sealedAt('k', 'answers'))).toBe('yes')
    // What was taken is no seal that a later change would have to open.
    expect(await countOpening(store.db, fresh)).toEqual({ opening: 4 + 1, closed: 0 })
    expect(fresh.open((await takeReply(store, 'k')) ?? '', sealedAt('k', 'reply'))).toBe('done')
  })

  test('leaves alone what it has sealed already', async () => {
    await reseal(at.store.db, ring(NEW, OLD), KID)
    const before = await readSetting(at.store.db, KEY_CHECK)
    expect(await reseal(at.store.db, ring(NEW, OLD), KID)).toBe(0)
    expect(await readSetting(at.store.db, KEY_CHECK)).toBe(before)
  })

  test('changes nothing at all where one secret opens with no key of the ring', async () => {
    const lost = ring(Buffer.alloc(32, 9)).seal('lost', `servers/${uid}/client_secret`)
    await at.store.db.updateTable('servers').set({ client_secret_sealed: lost }).execute()
    await expect(reseal(at.store.db, ring(NEW, OLD), KID)).rejects.toThrow('opens with none of the keys')
    expect(await countOpening(at.store.db, ring(OLD))).toEqual({ opening: 3, closed: 1 })
  })

  test('never takes a secret for one of another row', async () => {
    const moved = ring(OLD).seal('moved', 'servers/another/client_secret')
    await at.store.db.updateTable('servers').set({ client_secret_sealed: moved }).execute()
    await expect(reseal(at.store.db, ring(NEW, OLD), KID)).rejects.toThrow(`servers/${uid}/client_secret`)
  })
})

test('the columns that hold seals are these; a new one is sealed anew by its name, and needs its case above', async () => {
  const shapes = await shapeAt(Object.keys(MIGRATIONS).sort().at(-1) ?? '')
  const sealed = shapes.flatMap(({ name, columns, key }) =>
    columns.filter((column) => column.endsWith('_sealed')).map((column) => `${name}/${key.join('/')}/${column}`),
  )
  expect(sealed.sort()).toEqual([
    'approvals/id/about_sealed',
    'approvals/id/words_sealed',
    'connect_attempts/id/result_sealed',
    'connect_attempts/id/secrets_sealed',
    'connections/id/tokens_sealed',
    'identities/id/id_token_sealed',
    'identities/id/refresh_token_sealed',
    'identity_providers/id/client_secret_sealed',
    'oauth_artifacts/key/payload_sealed',
    'parked/id/answers_sealed',
    'parked/id/reply_sealed',
    'purposes/owner/policy_id/purpose_sealed',
    'servers/uid/auth_credentials_sealed',
    'servers/uid/client_secret_sealed',
    'servers/uid/env_sealed',
    'sign_in_attempts/id/secrets_sealed',
    'signing_keys/kid/private_jwk_sealed',
    'upstream_clients/id/client_secret_sealed',
    'webhooks/id/secret_sealed',
  ])
})
