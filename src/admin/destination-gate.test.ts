import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, LOGS, openAdminRoom, SERVERS, serverBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS, type DatabaseKind } from '../../test/databases.ts'
import { json, modern, type ScriptedServer, startScripted } from '../../test/scripted-server.ts'
import { ConfigError } from '../config/config-error.ts'
import { applyDeclared } from './declared.ts'

let room: AdminRoom
let inner: ScriptedServer

async function open(kind: DatabaseKind): Promise<void> {
  inner = await startScripted(modern((_, response) => json(response, {})))
  const names: Record<string, string> = { 'ledger.internal': '127.0.0.1', 'inner.example': '10.0.0.5' }
  room = await openAdminRoom(kind, {
    configFile: '/etc/portico.yaml',
    egress: {
      ...{ host: '0.0.0.0', publicUrl: 'https://mcp.example.com', port: () => 8787 },
      isOwnName: (name) => name === 'team.example.com',
      resolve: async (name) => [{ address: names[name] ?? '192.0.2.1', family: 4 }],
    },
  })
}

async function close(): Promise<void> {
  await room.end()
  await inner.close()
}

function make(body: object, token?: string) {
  return room.ask('POST', SERVERS, { body: serverBody('s', body), ...(token === undefined ? {} : { token }) })
}

async function refusals(): Promise<number> {
  const rows = (await room.ask('GET', `${LOGS}?plane=admin&phase=ended&limit=100`)).body.result
  return rows.filter(({ outcome }) => outcome === 'refused').length
}

describe('a portal that others can reach', () => {
  beforeAll(() => open('sqlite'))
  afterAll(close)

  test.each([
    ['http://127.0.0.1:{open}/mcp', 'allow_private'],
    ['http://127.0.0.1:2/mcp', 'allow_private'],
    ['http://2130706433:{open}/mcp', 'allow_private'],
    ['http://localhost:{open}/mcp', 'allow_private'],
    ['http://10.0.0.5/mcp', 'allow_private'],
    ['http://[fd00::5]/mcp', 'allow_private'],
    ['http://169.254.169.254/latest/meta-data/', 'no setting opens it'],
    ['http://[fd00:ec2::254]/', 'no setting opens it'],
    ['http://[::ffff:127.0.0.1]:{open}/mcp', 'give it as IPv4'],
    ['http://0.0.0.0:{open}/mcp', 'no server has'],
    ['https://example.com:22/', 'no setting opens it'],
    ['https://mcp.example.com/mcp', 'this portal itself'],
    ['https://team.example.com/mcp', 'this portal itself'],
    ['http://127.0.0.1:8787/mcp', 'this portal itself'],
    ['http://localhost:8787/p/default/mcp', 'this portal itself'],
  ])('takes no server at %s', async (hostname, says) => {
    const before = await refusals()
    const refused = await make({ hostname: hostname.replace('{open}', String(inner.port)) })
    expect(refused.status).toBe(400)
    expect(refused.body.errors[0]?.message).toMatch(/^hostname: /)
    expect(refused.body.errors[0]?.message).toContain(says)
    expect((await room.ask('GET', SERVERS)).body.result).toEqual([])
    expect(await refusals()).toBe(before + 1)
    expect(inner.seen).toEqual([])
  })

  test('says of a server whose name leads inside just what it says of a dead one', async () => {
    const told = []
    for (const [id, port] of [
      ['open', inner.port],
      ['closed', 2],
    ]) {
      for (const name of ['ledger.internal', 'inner.example']) {
        const made = await make({ id, hostname: `http://${name}:${port}/mcp`, name: 'S' })
        const { status, error, error_details } = made.body.result
        told.push(JSON.stringify({ status, error, error_details }))
        expect(made.body.result.allow_private).toEqual([])
        await room.ask('DELETE', `${SERVERS}/${id}`)
      }
    }
    expect(new Set(told).size).toBe(1)
    expect(inner.seen).toEqual([])
  })

  test.each([
    [['10.0.0.0/8']],
    [['*:80']],
    [['10.0.0.5']],
    [['http://10.0.0.5:80']],
    ['10.0.0.5:80'],
    [Array(17).fill('a:1')],
  ])('takes nothing wider than a host and a port: %j', async (list) => {
    const refused = await make({ hostname: 'https://example.com/', allow_private: list })
    expect(refused.status).toBe(400)
    expect(refused.body.errors[0]?.message).toContain('allow_private')
  })
})

describe.each(DATABASE_KINDS)('the allow-list of a server, on %s', (kind) => {
  beforeAll(() => open(kind))
  afterAll(close)

  // [EGRESS-1]
  test('opens an inner place for the owner alone', async () => {
    const place = `ledger.internal:${inner.port}`
    const body = { hostname: `http://${place}/mcp`, allow_private: [place] }
    const tokens = [await room.token('admin'), await room.token('owner', { scopes: ['servers:write'] })]
    for (const token of tokens) {
      const refused = await make(body, token)
      expect(refused.status).toBe(403)
      expect(refused.body.errors[0]?.message).toContain('owner token that has no scopes')
    }
    expect(inner.seen).toEqual([])
    const made = await make(body)
    expect(made.body.result).toMatchObject({ status: 'ready', allow_private: [place] })
    const asked = inner.seen.length
    expect(asked).toBeGreaterThan(0)

    // What is read may be sent back by whoever may write servers; another list may not.
    for (const token of tokens) {
      const path = `${SERVERS}/s`
      const echoed = { ...made.body.result, description: 'by an admin' }
      expect((await room.ask('PUT', path, { body: echoed, token })).status).toBe(200)
      for (const list of [[], [place, '10.0.0.5:80']]) {
        expect((await room.ask('PUT', path, { body: { allow_private: list }, token })).status).toBe(403)
      }
      expect((await room.ask('GET', path)).body.result.allow_private).toEqual([place])
    }
    await room.ask('PUT', `${SERVERS}/s`, { body: { allow_private: [] } })
    const before = inner.seen.length
    expect((await room.ask('POST', `${SERVERS}/s/sync`)).body.result.status).not.toBe('ready')
    expect(inner.seen).toHaveLength(before)
  })

  test('may stand in the file, which is refused without it', async () => {
    const hostname = `http://127.0.0.1:${inner.port}/mcp`
    const declare = (more: object) =>
      applyDeclared(room.deps, { portals: [], policies: [], servers: [serverBody('f', { hostname, ...more })] })
    await expect(declare({})).rejects.toThrow(ConfigError)
    await expect(declare({})).rejects.toThrow(/servers\.0\.hostname: is this machine.*allow_private/)
    await expect(
      declare({ hostname: 'http://169.254.169.254/', allow_private: ['169.254.169.254:80'] }),
    ).rejects.toThrow('no setting opens it')
    await declare({ allow_private: [`127.0.0.1:${inner.port}`] })
    expect((await room.ask('GET', `${SERVERS}/f`)).body.result).toMatchObject({
      origin: 'file',
      allow_private: [`127.0.0.1:${inner.port}`],
    })
  })
})
