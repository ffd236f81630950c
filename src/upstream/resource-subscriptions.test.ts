/** Who hears of which resource: counted once a server and credential, taken up again after whatever was lost, and never across. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { child } from '../../test/child-scripts.ts'
import { openRoom, person, type Room, textOf } from '../../test/upstream-room.ts'
import { startWatchedServer, type WatchedEra, type WatchedServer } from '../../test/watched-server.ts'
import type { ServerUid } from '../base/ids.ts'
import type { Isolation, ResourceFollowing, ResourceInterest } from './model.ts'

const ONE = 'watched://book/one'
const TWO = 'watched://book/two'
const PAGE = 'watched://book/one/page/7'
const PATIENCE = { timeout: 15_000, interval: 20 }

let room: Room
const servers: WatchedServer[] = []
beforeEach(async () => {
  // The look for what was lost is a quarter of these.
  room = await openRoom({ limits: { idleMs: 2000, openingMs: 2000, probeMs: 400 } })
})
afterEach(async () => {
  await room.close()
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

interface Heard extends ResourceFollowing {
  told: string[]
}

function follow(serverUid: ServerUid, uri: string, more: Partial<ResourceInterest> & { who?: string } = {}): Heard {
  const told: string[] = []
  const { who = 'ada', ...rest } = more
  const interest: ResourceInterest = {
    ...{ serverUid, principal: person(who), session: null, onBehalf: false, uri },
    updated: (uri) => void told.push(uri),
    ...rest,
  }
  const { live, close } = room.upstreams.followResource(interest)
  return { told, live, close }
}

async function start(era: WatchedEra, isolation: Isolation = 'per_credential') {
  const server = await startWatchedServer(era)
  servers.push(server)
  return { server, uid: await room.add('watched', { url: server.url, isolation }) }
}

describe.each(['modern', 'legacy'] as const)('at a server that is %s', (era) => {
  // [SUB-4]
  test('two who follow one resource are one subscription, which ends with the last of them', async () => {
    const { server, uid } = await start(era)
    const [ada, bob] = [follow(uid, ONE), follow(uid, ONE, { who: 'bob' })]
    expect(await Promise.all([ada.live, bob.live])).toEqual([true, true])
    expect([server.listened(), server.asked()]).toEqual([[ONE], 1])
    server.change(ONE)
    await expect.poll(() => [ada.told, bob.told], PATIENCE).toEqual([[ONE], [ONE]])
    ada.close()
    server.change(ONE)
    await expect.poll(() => bob.told, PATIENCE).toEqual([ONE, ONE])
    expect([ada.told, server.listened()]).toEqual([[ONE], [ONE]])
    bob.close()
    await expect.poll(() => server.listened(), PATIENCE).toEqual([])
  })

  test('another resource is followed as well, and nothing that happens meanwhile is missed', async () => {
    const { server, uid } = await start(era)
    const first = follow(uid, ONE)
    await first.live
    let changes = 0
    const change = () => {
      changes++
      server.change(ONE)
    }
    change()
    const changing = setInterval(change, 1)
    const second = follow(uid, TWO)
    expect(await second.live).toBe(true)
    await expect.poll(() => server.listened(), PATIENCE).toEqual([ONE, TWO])
    clearInterval(changing)
    server.change(TWO)
    await expect.poll(() => second.told, PATIENCE).toEqual([TWO])
    // While there are two streams, both may say it.
    await expect.poll(() => first.told.length, PATIENCE).toBeGreaterThanOrEqual(changes)
    expect(first.told.every((uri) => uri === ONE)).toBe(true)
    second.close()
    await expect.poll(() => server.listened(), PATIENCE).toEqual([ONE])
  })

  // [SUB-5]
  test('one that is started again is subscribed to again, and what may have happened meanwhile is told', async () => {
    const { server, uid } = await start(era)
    const ada = follow(uid, ONE)
    await ada.live
    await server.stop()
    const again = await startWatchedServer(era, server.port)
    servers.push(again)
    await expect.poll(() => again.listened(), PATIENCE).toEqual([ONE])
    await expect.poll(() => ada.told.length, PATIENCE).toBeGreaterThan(0)
    const before = ada.told.length
    await expect
      .poll(() => {
        again.change(ONE)
        return ada.told.length > before
      }, PATIENCE)
      .toBe(true)
  })

  test('where everybody has a connection of their own, each has a subscription of their own', async () => {
    const { server, uid } = await start(era, 'per_user')
    const [ada, bob] = [follow(uid, ONE), follow(uid, ONE, { who: 'bob' })]
    expect(await Promise.all([ada.live, bob.live])).toEqual([true, true])
    expect(server.listened()).toEqual([ONE, ONE])
    ada.close()
    await expect.poll(() => server.listened(), PATIENCE).toEqual([ONE])
    server.change(ONE)
    await expect.poll(() => bob.told, PATIENCE).toEqual([ONE])
    expect(ada.told).toEqual([])
  })

  test('one that does not tell of changes is not asked to', async () => {
    const server = await startWatchedServer(era, 0, false)
    servers.push(server)
    const uid = await room.add('quiet', { url: server.url })
    expect(await follow(uid, ONE).live).toBe(false)
    expect(server.asked()).toBe(0)
  })

  test('one that was removed is left alone', async () => {
    const { server, uid } = await start(era)
    const ada = follow(uid, ONE)
    await ada.live
    await room.remove(uid)
    await room.upstreams.serversChanged()
    await expect.poll(() => server.listened(), PATIENCE).toEqual([])
    server.change(ONE)
    expect(await follow(uid, ONE).live).toBe(false)
    expect(ada.told).toEqual([])
  })

  test('one that does not answer is asked again', async () => {
    const { server, uid } = await start(era)
    server.fallSilent()
    const ada = follow(uid, ONE)
    expect(await ada.live).toBe(false)
    await expect.poll(() => server.asked(), PATIENCE).toBeGreaterThan(1)
  })
})

test('what is below a resource is told to whoever follows the nearest one above it, and to nobody else', async () => {
  const { server, uid } = await start('legacy')
  const [one, shelf, other] = [follow(uid, ONE), follow(uid, 'watched://shelf/'), follow(uid, 'watched://book/on')]
  await Promise.all([one.live, shelf.live, other.live])
  server.change(PAGE, ONE)
  server.change('watched://shelf/3', ONE)
  server.change('watched://nothing/of/ours', ONE)
  server.change(ONE)
  await expect.poll(() => one.told, PATIENCE).toEqual([PAGE, ONE])
  expect([shelf.told, other.told]).toEqual([['watched://shelf/3'], []])
})

// [SUB-3]
test('a person’s own account is followed by that account alone, and by nobody where there is none', async () => {
  const server = await startWatchedServer('legacy')
  servers.push(server)
  const uid = await room.add('own', { url: server.url, authType: 'bearer', credential: 'shared' })
  for (const id of ['ada', 'bob'])
    await room.store.db.insertInto('users').values({ id, email: null, created_at: 1, last_seen_at: 1 }).execute()
  const at = { owner: `user:${person('ada').id}` as const, binding: 'b', by: 'ada' }
  expect(await room.upstreams.desk.paste(uid, at, 'token-of-ada')).toMatchObject({ kind: 'made' })
  const shared = follow(uid, ONE, { who: 'bob' })
  const ada = follow(uid, ONE, { onBehalf: true })
  const bob = follow(uid, ONE, { who: 'bob', onBehalf: true })
  expect(await Promise.all([shared.live, ada.live, bob.live])).toEqual([true, true, false])
  // Two sessions of the server, each told for itself.
  expect(server.listened()).toEqual([ONE, ONE])
  server.change(ONE, ONE, 'token-of-ada')
  await expect.poll(() => ada.told, PATIENCE).toEqual([ONE])
  server.change(ONE, ONE, 'shared')
  await expect.poll(() => shared.told, PATIENCE).toEqual([ONE])
  ada.close()
  await expect.poll(() => server.listened(), PATIENCE).toEqual([ONE])
  server.change(ONE)
  await expect.poll(() => shared.told, PATIENCE).toEqual([ONE, ONE])
  expect([ada.told, bob.told]).toEqual([[ONE], []])
})

/** Says who it is when it is called, and tells of what is subscribed to. */
const TELLING = child(`
answers.initialize = () => ({
  protocolVersion: '2025-11-25', capabilities: { tools: {}, resources: { subscribe: true } }, serverInfo: { name: 's', version: '1' },
})
answers['resources/list'] = () => ({ resources: [{ uri: '${ONE}', name: 'one' }] })
answers['resources/templates/list'] = () => ({ resourceTemplates: [] })
const subscribed = new Set()
answers['resources/subscribe'] = ({ params }) => { subscribed.add(params.uri); return {} }
answers['tools/call'] = () => {
  for (const uri of subscribed) send({ method: 'notifications/resources/updated', params: { uri } })
  return text(String(process.pid))
}`)

// [SUB-5]
test('a child that dies is started again for who follows it, is subscribed to again, and that is told', async () => {
  const uid = await room.add('child', { stdio: TELLING })
  const ada = follow(uid, ONE)
  expect(await ada.live).toBe(true)
  const pid = Number(textOf(await room.tool(uid, 'echo', {})))
  await expect.poll(() => ada.told, PATIENCE).toEqual([ONE])
  process.kill(pid, 'SIGKILL')
  await expect.poll(() => ada.told, PATIENCE).toEqual([ONE, ONE])
  expect(Number(textOf(await room.tool(uid, 'echo', {})))).not.toBe(pid)
  await expect.poll(() => ada.told, PATIENCE).toEqual([ONE, ONE, ONE])
})

test('a child that somebody follows is in use, however long nobody calls it', async () => {
  const brief = await openRoom({ limits: { idleMs: 400, probeMs: 400 }, stdio: { idleStopMs: 400 } })
  try {
    const [followed] = [await brief.add('followed', { stdio: TELLING }), await brief.add('other', { stdio: TELLING })]
    const interest = { serverUid: followed, principal: person('ada'), session: null, onBehalf: false, uri: ONE }
    const following = brief.upstreams.followResource({ ...interest, updated: () => {} })
    expect(await following.live).toBe(true)
    const children = () => Object.fromEntries(brief.upstreams.figures().map(({ id, children }) => [id, children]))
    await expect.poll(children, PATIENCE).toEqual({ followed: 1, other: 0 })
    following.close()
    await expect.poll(children, PATIENCE).toEqual({ followed: 0, other: 0 })
  } finally {
    await brief.close()
  }
})

test('who leaves before the server has answered leaves nothing behind', async () => {
  for (const era of ['modern', 'legacy'] as const) {
    const server = await startWatchedServer(era)
    servers.push(server)
    const uid = await room.add(era, { url: server.url })
    for (let i = 0; i < 5; i++) {
      const brief = follow(uid, ONE)
      brief.close()
      expect(await brief.live).toBe(false)
    }
    const [kept, left] = [follow(uid, TWO), follow(uid, ONE)]
    left.close()
    expect(await kept.live).toBe(true)
    await expect.poll(() => server.listened(), PATIENCE).toEqual([TWO])
  }
})
