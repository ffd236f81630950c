import { describe, expect, test } from 'vitest'
import type { Pending } from '../identity/oauth/model.ts'
import { toClient, toProvider } from './leads-to.ts'

const to = (redirectUri: string | null) => toClient({ redirectUri } as Pending)
const LOOPBACK = ['http://127.0.0.1:*', 'http://localhost:*']

describe('where a form may lead', () => {
  for (const [uri, sources] of [
    ['https://claude.ai/api/mcp/auth_callback', ['https:']],
    ['http://127.0.0.1:51999/callback', ['https:', ...LOOPBACK]],
    ['http://localhost/callback', ['https:', ...LOOPBACK]],
    ['http://[::1]:51999/callback', ['https:', 'http:']],
    ['com.example.notes:/callback', ['https:', 'com.example.notes:']],
    ['cursor://anysphere.cursor-mcp/oauth/callback', ['https:', 'cursor:']],
    // Never text of a client's in a header, whatever came to be stored.
    ["https://x; script-src 'unsafe-inline'", ['https:']],
    ["x; script-src 'unsafe-inline':/", []],
    ['x\r\nset-cookie: a=b:/', []],
    ['', []],
    [null, []],
  ] as const)
    test(`to a client at ${JSON.stringify(uri)}`, () => expect(to(uri)).toEqual(sources))

  test('to a provider over https, and on this machine from a portal of this machine alone', () => {
    expect(toProvider('https://mcp.acme.test')).toEqual(['https:'])
    expect(toProvider('http://127.0.0.1:8787')).toEqual(['https:', ...LOOPBACK])
    expect(toClient(null)).toEqual([])
  })
})
