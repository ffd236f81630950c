/** How an admin says which questions of a server reach people. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom, PORTALS, portalBody, SERVERS, serverBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { readServer } from '../upstream/server-store.ts'
import { applyDeclared } from './declared.ts'

const FOR_ALL = { elicitation: true, sampling: false, sampling_max_tokens: 4096, roots: true, answer_time: 600 }

describe.each(DATABASE_KINDS)('the questions of a server on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom(kind)
  })
  afterEach(() => room.end())

  const update = (body: unknown) => room.ask('PUT', `${SERVERS}/web`, { body })
  const relay = async () => (await room.ask('GET', `${SERVERS}/web`)).body.result.relay

  // [RELAY-3]
  test('reach people, and not their models, where nothing is said; each is shown', async () => {
    expect((await room.ask('POST', SERVERS, { body: serverBody('web') })).body.result.relay).toEqual(FOR_ALL)
    expect(await relay()).toEqual(FOR_ALL)
  })

  // [RELAY-3]
  test('are settled with the server, a read may be sent back, and what is left out stays, member by member', async () => {
    const made = await room.ask('POST', SERVERS, { body: serverBody('web', { relay: { sampling: true } }) })
    expect(made.body.errors).toEqual([])
    expect(made.body.result.relay).toEqual({ ...FOR_ALL, sampling: true })
    expect((await update({ name: 'Web' })).body.result.relay).toEqual({ ...FOR_ALL, sampling: true })
    const quiet = { elicitation: false, sampling_max_tokens: 1, answer_time: 1 }
    const changed = await update({ relay: quiet })
    expect(changed.body.result.relay).toEqual({ ...FOR_ALL, sampling: true, ...quiet })
    expect((await update(changed.body.result)).body.result.relay).toEqual(changed.body.result.relay)
    expect((await update({ relay: {} })).body.result.relay).toEqual(changed.body.result.relay)
    expect((await readServer(room.at.store.db, 'web'))?.relay).toEqual({
      ...{ elicitation: false, sampling: true, samplingMaxTokens: 1, roots: true, answerSeconds: 1 },
    })
    expect((await update({ relay: null })).body.result.relay).toEqual(FOR_ALL)
  })

  test('are shown with a portal, whose echo of them says nothing', async () => {
    await room.ask('POST', SERVERS, { body: serverBody('web', { relay: { roots: false } }) })
    const made = await room.ask('POST', PORTALS, { body: portalBody('main', { servers: [{ server_id: 'web' }] }) })
    expect(made.body.result).toMatchObject({ servers: [{ relay: { ...FOR_ALL, roots: false } }] })
    const servers = [{ server_id: 'web', relay: { roots: true } }]
    expect((await room.ask('PUT', `${PORTALS}/main`, { body: { servers } })).body.errors).toEqual([])
    expect(await relay()).toEqual({ ...FOR_ALL, roots: false })
  })

  test('are not settled by what nobody knows, or out of range: it is refused with its path, and nothing changes', async () => {
    await room.ask('POST', SERVERS, { body: serverBody('web') })
    for (const [sent, said] of [
      [{ forms: true }, 'relay: unknown field "forms"'],
      [{ sampling: 'on' }, 'relay.sampling:'],
      [{ sampling_max_tokens: 0 }, 'relay.sampling_max_tokens:'],
      [{ sampling_max_tokens: 200_001 }, 'relay.sampling_max_tokens:'],
      [{ sampling_max_tokens: 1.5 }, 'relay.sampling_max_tokens:'],
      [{ answer_time: 0 }, 'relay.answer_time:'],
      [{ answer_time: 3601 }, 'relay.answer_time:'],
      [{ answer_time: 1.5 }, 'relay.answer_time:'],
      [true, 'relay:'],
    ] as const) {
      for (const refused of [
        await update({ name: 'Other', relay: sent }),
        await room.ask('POST', SERVERS, { body: serverBody('other', { relay: sent }) }),
      ])
        expect([refused.status, refused.body.errors[0]?.message]).toEqual([400, expect.stringContaining(said)])
    }
    expect((await room.ask('GET', `${SERVERS}/other`)).status).toBe(404)
    expect((await room.ask('GET', `${SERVERS}/web`)).body.result).toMatchObject({ name: 'web', relay: FOR_ALL })
  })

  test('are settled by the configuration file too, once, and taken back by it', async () => {
    const apply = (more: object) =>
      applyDeclared(room.deps, { policies: [], servers: [serverBody('web', more)], portals: [] })
    const stamp = async () => (await room.ask('GET', `${SERVERS}/web`)).body.result.modified_at
    await apply({ relay: { elicitation: false, sampling: true } })
    const said = { ...FOR_ALL, elicitation: false, sampling: true }
    expect(await relay()).toEqual(said)
    const before = await stamp()
    room.clock.move(1000)
    await apply({ relay: { elicitation: false, sampling: true } })
    expect(await stamp()).toBe(before)
    expect((await update({ relay: { elicitation: true } })).status).toBe(403)
    expect(await relay()).toEqual(said)
    // What the file does not name any more is as for all: there is nothing of before beside it.
    await apply({ relay: { sampling: true } })
    expect(await relay()).toEqual({ ...FOR_ALL, sampling: true })
    await apply({})
    expect(await relay()).toEqual(FOR_ALL)
    await expect(apply({ relay: { sampled: true } })).rejects.toThrow('servers.0.relay: unknown field "sampled"')
  })
})
