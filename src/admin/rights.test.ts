import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom } from '../../test/admin-room.ts'
import { rightsOf } from '../contract/rights.ts'
import { ROUTES } from './index.ts'

/** The table itself says which rights there are; the expectations here are written out, so that a slip in it shows. */
const READERS = ['owner', 'admin', 'auditor', 'expired', 'none', 'narrow'] as const
type Who = (typeof READERS)[number]

describe('every role on every route', () => {
  let room: AdminRoom
  const tokens = new Map<Who, string | null>()
  beforeAll(async () => {
    room = await openAdminRoom()
    for (const role of ['owner', 'admin', 'auditor'] as const) tokens.set(role, await room.token(role))
    tokens.set('expired', await room.token('owner', { expiresAt: room.clock.now() - 1 }))
    tokens.set('none', null)
    // Holds a right that no route asks for.
    tokens.set('narrow', await room.token('admin', { scopes: ['nothing:read'] }))
  })
  afterAll(() => room.end())

  const cases = ROUTES.flatMap((route) =>
    READERS.map((who) => ({ route, who, title: `${who}: ${route.method} ${route.path}` })),
  )
  // [API-2]
  test.each(cases)('$title', async ({ route, who }) => {
    const before = await counts(room)
    // An empty body and an unknown id: what passes the gate is then 200, 400 or 404, and never changes anything.
    const body = route.method === 'POST' || route.method === 'PUT' ? { body: {} } : {}
    const answer = await room.ask(route.method, route.path.replaceAll(/\{\w+\}/g, 'no-such-thing'), {
      ...body,
      token: tokens.get(who) ?? null,
    })
    const readOnlyRoute = route.method === 'GET' || route.asks === true
    expect(answer.body.success).toBe(answer.status === 200)
    if (who === 'expired' || who === 'none') expect(answer.status).toBe(401)
    else if (who === 'narrow' || (who === 'auditor' && !readOnlyRoute)) expect(answer.status).toBe(403)
    else expect([200, 400, 404]).toContain(answer.status)
    expect(await counts(room)).toEqual(before)
  })

  test.each(ROUTES.map((route) => ({ route, title: `${route.method} ${route.path}` })))(
    'a token with only that right passes the gate of $title, and one with all others does not',
    async ({ route }) => {
      const body = route.method === 'POST' || route.method === 'PUT' ? { body: {} } : {}
      const path = route.path.replaceAll(/\{\w+\}/g, 'no-such-thing')
      const only = await room.token('admin', { scopes: [route.right, ...(route.also ?? [])] })
      expect((await room.ask(route.method, path, { ...body, token: only })).status).not.toBe(403)
      for (const lacking of [route.right, ...(route.also ?? [])]) {
        const others = await room.token('admin', {
          scopes: rightsOf('admin', []).filter((right) => right !== lacking),
        })
        expect((await room.ask(route.method, path, { ...body, token: others })).status).toBe(403)
      }
    },
  )

  test('a route that reads asks for a right to read, and one that changes for a right to write', () => {
    for (const { method, right, asks } of ROUTES)
      expect(right.endsWith(method === 'GET' || asks === true ? ':read' : ':write')).toBe(true)
  })

  test('a scope never gives an auditor what the role lacks', async () => {
    const token = await room.token('auditor', { scopes: ['portals:write', 'portals:read'] })
    expect((await room.ask('POST', '/access/ai-controls/mcp/portals', { body: {}, token })).status).toBe(403)
    expect((await room.ask('GET', '/access/ai-controls/mcp/portals', { token })).status).toBe(200)
  })
})

async function counts({ at }: AdminRoom): Promise<number[]> {
  const tables = [
    ...(['portals', 'servers', 'policies', 'access_groups', 'lists', 'access_apps', 'policy_tests'] as const),
    ...(['approvals', 'service_tokens', 'access_tokens', 'users'] as const),
  ]
  return Promise.all(tables.map(async (table) => (await at.store.db.selectFrom(table).selectAll().execute()).length))
}
