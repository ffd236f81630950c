import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom, PORTALS, portalBody, SERVERS } from '../../test/admin-room.ts'
import { ROUTES } from './index.ts'

describe('the door', () => {
  let room: AdminRoom
  beforeAll(async () => {
    room = await openAdminRoom()
  })
  afterAll(() => room.end())

  test('without a token everything is 401, known route or not', async () => {
    for (const path of [PORTALS, '/no/such/route', '/client/v4/user']) {
      const answer = await room.ask('GET', path, { token: null })
      expect(answer).toMatchObject({ status: 401, body: { success: false, result: null, errors: [{ code: 10000 }] } })
    }
    expect((await room.ask('GET', PORTALS, { token: 'ptapi_wrong' })).status).toBe(401)
    expect((await room.ask('GET', '/no/such/route')).status).toBe(404)
  })

  test('any account id sees the same objects', async () => {
    await room.ask('POST', PORTALS, { body: portalBody('shared') })
    const other = await room.ask(
      'GET',
      '/client/v4/accounts/a86a8f5c339544d7bdc89926de14fb8c/access/ai-controls/mcp/portals/shared',
    )
    expect(other.body.result.id).toBe('shared')
  })

  test('where an account id is set, every other one is not found', async () => {
    const one = await openAdminRoom('sqlite', { accountId: 'mine' })
    try {
      expect((await one.ask('GET', PORTALS)).status).toBe(404)
      expect((await one.ask('GET', `/client/v4/accounts/mine${PORTALS}`)).status).toBe(200)
    } finally {
      await one.end()
    }
  })

  test.each([
    ['no JSON', '{', {}, 400],
    ['JSON that is no object', '[]', {}, 400],
    ['bytes that are no UTF-8', '"\ud800"', {}, 400],
    ['another content type', '{}', { 'content-type': 'text/plain' }, 415],
    ['more than 1 MiB', `{"name":"${'x'.repeat(1024 * 1024)}"}`, {}, 413],
    ['deep nesting', `${'['.repeat(100)}${']'.repeat(100)}`, {}, 400],
    ['__proto__', '{"__proto__":{"role":"owner"}}', {}, 400],
    ['a nested constructor', '{"id":"x","servers":[{"constructor":{"prototype":{}}}]}', {}, 400],
  ])('a body with %s is refused', async (_, body, headers, status) => {
    const answer = await room.ask('POST', PORTALS, { body, headers })
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ success: false, result: null })
  })

  test('text that looks like a variable stays text', async () => {
    const description = ['$', '{PORTICO_ENCRYPTION_KEY}'].join('')
    const made = await room.ask('POST', PORTALS, { body: portalBody('literal', { description }) })
    expect(made.body.result.description).toBe(description)
  })

  test('an id that is no id is simply not found', async () => {
    for (const id of ['..%2F..%2Fetc', '%27%20or%201=1--', '__proto__', '%00', 'x'.repeat(500)]) {
      expect((await room.ask('GET', `${SERVERS}/${id}`)).status).toBe(404)
    }
  })

  // [API-3]
  test('OpenAPI 3.1 describes every route of the table', async () => {
    const { body } = await room.ask('GET', '/openapi.json', { token: null })
    const document = body as unknown as {
      openapi: string
      paths: Record<string, Record<string, { operationId: string }>>
    }
    expect(document.openapi).toBe('3.1.0')
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
    expect(operations.length).toBe(ROUTES.length)
    expect(new Set(operations.map((operation) => operation.operationId)).size).toBe(operations.length)
  })

  // [AUDIT-2]
  test('while the audit cannot be written, nothing is changed and the answer says so', async () => {
    const closed = await openAdminRoom()
    await closed.audit.close()
    const answer = await closed.ask('POST', PORTALS, { body: portalBody('unseen') })
    expect(answer.status).toBe(503)
    expect((await closed.ask('GET', `${PORTALS}/unseen`)).status).toBe(404)
    await closed.upstreams.close()
    await closed.at.end()
  })
})
