/** Approvals on both databases, over two replicas: merged, bounded, decided and used once. */
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import { TEST_KEYS } from '../../test/keys.ts'
import type { GrantId, PolicyId, PortalUid, ServerUid } from '../base/ids.ts'
import { openSealer } from '../base/secret.ts'
import type { Store } from '../store/open.ts'
import {
  type Agreement,
  findApproval,
  type GivenWord,
  giveBackApprovals,
  listApprovals,
  type NewApproval,
  readApproval,
  requestApproval,
  useApprovals,
  withdrawApproval,
  writeWord,
} from './approval-store.ts'

const MINUTE = 60_000
const sealer = openSealer(TEST_KEYS, 'store')

describe.each(DATABASE_KINDS)('%s', (kind) => {
  let at: TestStore
  let store: Store
  let now = 0
  beforeEach(async () => {
    now = 1_800_000_000_000
    at = await freshStore(kind, { now: () => now, elapsed: () => now })
    store = at.store
  })
  afterEach(() => at.end())

  /** Where there may be another replica. */
  const replica = () => (kind === 'postgres' ? at.again() : Promise.resolve(store))
  const close = async (other: Store) => (other === store ? undefined : other.close())

  const wish = (over: Partial<NewApproval> = {}): NewApproval => ({
    id: randomBytes(32).toString('base64url'),
    binding: 'one call',
    principal: 'user:ada',
    grant: 'g' as GrantId,
    portalUid: 'p' as PortalUid,
    serverUid: 's' as ServerUid,
    policy: 'policy' as PolicyId,
    requester: { kind: 'user', id: 'ada', label: 'Ada', email: 'ada@acme.test', issuer: 'i', subject: 'ada' },
    needs: [{ needed: 2, emails: ['boss@acme.test', 'chief@acme.test', 'head@acme.test'] }],
    about: {
      ...{ portal: 'Team', server: { id: 'bank', name: 'Bank' }, kind: 'tool', name: 'pay' },
      ...{ sent: '{"to":"mallory-account"}', client: null, purposes: [] },
    },
    ...over,
  })
  const ask = (over: Partial<NewApproval> = {}, by = store) =>
    by.write((trx) => requestApproval(by, trx, wish(over), sealer))
  const agree = async (
    id: string,
    user: string,
    by = store,
    { kind = 'approve', reason = null }: Partial<Pick<GivenWord, 'kind' | 'reason'>> = {},
  ) => {
    const word: Agreement = { user, issuer: 'i', subject: user, email: `${user}@acme.test`, at: now }
    return by.write(async (trx) => {
      const approval = await readApproval(trx, id, sealer)
      if (approval === undefined) throw new Error('there is no such approval')
      return writeWord({ store: by, trx, sealer }, approval, { kind, by: word, reason })
    })
  }
  const approved = async (over: Partial<NewApproval> = {}) => {
    const { id } = (await ask(over)) as { id: string }
    await agree(id, 'boss')
    await agree(id, 'chief')
    return id
  }
  const stateOf = async (id: string) => (await readApproval(store.db, id, sealer))?.state

  // [APPROVE-3]
  test(`identical requests are one, also those that two replicas make at the same moment (${kind})`, async () => {
    const other = await replica()
    const made = await Promise.all([ask(), ask({}, other), ask({}, other), ask()])
    expect(made.map((one) => one.kind).sort()).toEqual(['known', 'known', 'known', 'made'])
    expect(new Set(made.map((one) => 'id' in one && one.id)).size).toBe(1)
    await close(other)
  })

  // [APPROVE-4]
  test(`a caller has three that wait and no more, whatever it asks for (${kind})`, async () => {
    const other = await replica()
    const made = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => ask({ binding: `call ${n}` }, n % 2 ? store : other)))
    expect(made.filter((one) => one.kind === 'made')).toHaveLength(3)
    expect(made.filter((one) => one.kind === 'too-many' && one.which === 'open')).toHaveLength(3)
    expect((await ask({ principal: 'user:grace' })).kind).toBe('made')
    const first = made.find((one) => one.kind === 'made')
    await withdrawApproval(store, first?.kind === 'made' ? first.id : '')
    expect((await ask({ binding: 'call 7' })).kind).toBe('made')
    await close(other)
  })

  // [APPROVE-4]
  test(`a caller asks twenty times an hour and no more (${kind})`, async () => {
    for (let n = 0; n < 20; n++) {
      const made = await ask({ binding: `call ${n}` })
      expect(made.kind).toBe('made')
      await withdrawApproval(store, 'id' in made ? made.id : '')
    }
    expect(await ask({ binding: 'one more' })).toEqual({ kind: 'too-many', which: 'hour' })
    now += 60 * MINUTE
    expect((await ask({ binding: 'one more' })).kind).toBe('made')
  })

  // [APPROVE-2]
  test(`so many different people must agree, and one who agrees twice is one (${kind})`, async () => {
    const { id } = (await ask()) as { id: string }
    expect(await agree(id, 'boss')).toBe('open')
    expect(await agree(id, 'boss')).toBe('open')
    expect(await useApprovals(store, [id])).toBe(false)
    expect(await agree(id, 'stranger')).toBe('open')
    expect(await agree(id, 'chief')).toBe('approved')
  })

  // [APPROVE-1]
  test(`of many who use one at the same moment, over two replicas, one does (${kind})`, async () => {
    const id = await approved()
    const other = await replica()
    const used = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => useApprovals(n % 2 ? store : other, [id])))
    expect(used.filter(Boolean)).toHaveLength(1)
    expect(await stateOf(id)).toBe('used')
    expect(await findApproval(store, 'one call', sealer)).toBeUndefined()
    expect((await ask()).kind).toBe('made')
    await close(other)
  })

  test(`several are used together or not at all (${kind})`, async () => {
    const [one, two] = [await approved(), await ask({ binding: 'another' })]
    expect(await useApprovals(store, [one, 'id' in two ? two.id : ''])).toBe(false)
    expect(await stateOf(one)).toBe('approved')
  })

  test(`one that is given back is good once more, in the time that it had (${kind})`, async () => {
    const id = await approved()
    await useApprovals(store, [id])
    await giveBackApprovals(store, [id])
    expect(await useApprovals(store, [id])).toBe(true)
    await giveBackApprovals(store, [id])
    now += 15 * MINUTE
    expect(await useApprovals(store, [id])).toBe(false)
  })

  // [APPROVE-1]
  test(`one that nobody decided, and one that nobody used, are over after a quarter of an hour (${kind})`, async () => {
    const { id: open } = (await ask({ binding: 'undecided' })) as { id: string }
    now += 15 * MINUTE - 1
    expect((await findApproval(store, 'undecided', sealer))?.id).toBe(open)
    now += 1
    expect(await findApproval(store, 'undecided', sealer)).toBeUndefined()
    const id = await approved()
    now += 15 * MINUTE
    expect(await useApprovals(store, [id])).toBe(false)
    expect(await listApprovals(store, sealer, { open: true })).toEqual([])
  })

  test(`who decided and why is kept in order, also of one that somebody agreed to before that was kept (${kind})`, async () => {
    const { id } = (await ask()) as { id: string }
    expect((await readApproval(store.db, id, sealer))?.words).toEqual([])
    await agree(id, 'boss')
    await store.db.updateTable('approvals').set({ words_sealed: null }).execute()
    expect(await agree(id, 'chief', store, { kind: 'reject', reason: 'not this month' })).toBe('rejected')
    expect((await readApproval(store.db, id, sealer))?.words).toEqual([
      { word: 'approve', email: 'boss@acme.test', at: now, reason: null },
      { word: 'reject', email: 'chief@acme.test', at: now, reason: 'not this month' },
    ])
  })

  test(`what is asked for is sealed, for its own row alone, and why it was decided so (${kind})`, async () => {
    const { id } = (await ask()) as { id: string }
    await agree(id, 'boss', store, { reason: 'mallory-account is known' })
    const row = await store.db.selectFrom('approvals').selectAll().executeTakeFirstOrThrow()
    expect(JSON.stringify(row)).not.toContain('mallory-account')
    expect((await readApproval(store.db, id, sealer))?.about?.sent).toContain('mallory-account')
    await store.db.updateTable('approvals').set({ id: 'moved' }).execute()
    expect(await readApproval(store.db, 'moved', sealer)).toMatchObject({
      ...{ about: null, words: [{ email: 'boss@acme.test', reason: null }] },
    })
  })
})
