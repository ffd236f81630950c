/** A portal in a network whose only way out is a proxy, as an operator starts it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConnectProxy, startConnectProxy } from '../connect-proxy.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const SERVERS = '/access/ai-controls/mcp/servers'

let server: ScriptedServer
let proxy: ConnectProxy
let portico: PorticoProcess

beforeAll(async () => {
  server = await startScripted(modern((seen, response) => json(response, result(seen, {}))))
  proxy = await startConnectProxy(server.port)
  portico = await startPorticoProcess({
    HTTPS_PROXY: `http://someone:proxy-password@127.0.0.1:${proxy.port}`,
    NO_PROXY: 'inner.invalid,.local',
    LOG_LEVEL: 'info',
  })
})
afterAll(async () => {
  await portico?.end('SIGTERM')
  await portico?.remove()
  await Promise.all([proxy?.close(), server?.close()])
})

function add(id: string, hostname: string) {
  return portico.api<{ status: string }>('POST', SERVERS, { id, name: id, hostname, auth_type: 'unauthenticated' })
}

test('the start says that the proxy decides which names may be reached, and not its password', async () => {
  await expect
    .poll(() => portico.output())
    .toContain('which resolves names and so decides which of them may be reached')
  expect(portico.output()).not.toContain('proxy-password')
})

test('a server with a public name is reached through it, with the proxy’s own sign-in', async () => {
  expect((await add('public', 'http://tools.example/mcp')).status).toBe('ready')
  expect(new Set(proxy.asked)).toEqual(new Set(['tools.example:80']))
  expect(proxy.authorizations[0]).toBe(`Basic ${Buffer.from('someone:proxy-password').toString('base64')}`)
  expect(JSON.stringify(server.seen)).not.toContain('proxy-authorization')
})

test('a server on this machine is reached without it', async () => {
  const before = proxy.connections
  expect((await add('here', `${server.origin}/mcp`)).status).toBe('ready')
  expect(proxy.connections).toBe(before)
})

test('no CONNECT is sent for what is inside as it is written, nor for what NO_PROXY names', async () => {
  const before = proxy.connections
  for (const host of ['169.254.169.254', '10.0.0.5', '[fd00:ec2::254]', '0xa9fea9fe']) {
    await expect(add('inside', `http://${host}/mcp`)).rejects.toThrow('hostname')
  }
  // No resolver knows it, and the proxy, which would, is not asked.
  expect((await add('exempt', 'http://inner.invalid/mcp')).status).toBe('error')
  expect(proxy.connections).toBe(before)
})
