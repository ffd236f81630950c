/** A credential that ends while a call is on its way: nothing of the call goes on without it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { json, legacy, modern, result, type ScriptedServer, startScripted } from '../../test/scripted-server.ts'
import { openRoom, person, type Room } from '../../test/upstream-room.ts'
import type { ServerUid } from '../base/ids.ts'
import { ConnectionNeeded } from './connections/model.ts'

const ada = person('ada')
const owner = `user:${ada.id}` as const

describe('a server that serves strangers too', () => {
  let room: Room
  let server: ScriptedServer
  let uid: ServerUid
  /** Called before an answer to ada's account. @returns whether it is broken off instead */
  let before: (method: string) => Promise<boolean>
  beforeEach(async () => {
    before = async () => false
    const script = legacy((seen, response) =>
      seen.method === 'POST'
        ? json(response, result(seen, { content: [{ type: 'text', text: 'done' }] }))
        : void response.writeHead(405).end(),
    )
    server = await startScripted(async (seen, response, request) => {
      const isBroken = seen.headers.authorization === 'Bearer ada' && (await before(String(seen.body.method)))
      if (isBroken) request.socket.destroy()
      else script(seen, response, request)
    })
    room = await openRoom()
    await room.store.db
      .insertInto('users')
      .values({ id: ada.id, email: null, created_at: 1, last_seen_at: 1 })
      .execute()
    uid = await room.add('s', { url: `${server.origin}/mcp`, authType: 'bearer', credential: 'shared' })
    const at = { owner, binding: 'b', by: 'ada' }
    expect(await room.upstreams.desk.paste(uid, at, 'ada')).toMatchObject({ kind: 'made' })
  })
  afterEach(async () => {
    await room.close()
    await server.close()
  })

  const bearers = (method: string) => server.asked(method).map(({ headers }) => headers.authorization)

  // [C11]
  test('a call whose account is disconnected while its connection opens is not made as a stranger', async () => {
    let disconnected = false
    before = async (method) => {
      if (method !== 'initialize' || disconnected) return false
      disconnected = true
      await room.upstreams.desk.disconnect({ server: uid, owner })
      return false
    }
    const error = await room.tool(uid, 'echo', {}, { onBehalf: true }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConnectionNeeded)
    expect([disconnected, bearers('tools/call')]).toEqual([true, []])
    expect(bearers('initialize').filter((bearer) => bearer === undefined)).toEqual([])
  })

  // [C11]
  test('what was opened for an account that was disconnected meanwhile is given up at once', async () => {
    const stranger = modern((_seen, response) => void response.writeHead(405).end())
    const other = await startScripted(async (seen, response, request) => {
      const isAdas = seen.headers.authorization === 'Bearer ada' && seen.body.method === 'server/discover'
      if (isAdas) await room.upstreams.desk.disconnect({ server: second, owner })
      stranger(seen, response, request)
    })
    const second = await room.add('t', { url: `${other.origin}/mcp`, authType: 'bearer', credential: 'shared' })
    try {
      expect(await room.upstreams.desk.paste(second, { owner, binding: 'b', by: 'ada' }, 'ada')).toMatchObject({
        kind: 'made',
      })
      const error = await room.tool(second, 'echo', {}, { onBehalf: true }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ConnectionNeeded)
      expect(other.asked('tools/call')).toEqual([])
      expect(room.upstreams.figures().find(({ id }) => id === 't')).toMatchObject({ connections: 1 })
    } finally {
      await other.close()
    }
  })

  // [C11]
  test('a call that broke and may be made again is not made again as a stranger', async () => {
    let disconnected = false
    before = async (method) => {
      if (method !== 'prompts/get' || disconnected) return false
      disconnected = true
      await room.upstreams.desk.disconnect({ server: uid, owner })
      return true
    }
    const error = await room
      .call(uid, 'prompts/get', { name: 'p' }, { onBehalf: true })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConnectionNeeded)
    expect([disconnected, bearers('prompts/get')]).toEqual([true, ['Bearer ada']])
  })
})
