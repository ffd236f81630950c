/** What Node's own server answers to a client, before anything of ours is asked or in its place. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestPortal, type TestPortal } from '../../test/portal.ts'
import { openRaw } from '../../test/raw-socket.ts'
import { LIMITS } from '../config/limits.ts'
import { HTTP_STATUSES } from './statuses.ts'

const TOO_LONG = 'x'.repeat(LIMITS.header_bytes.value + 1000)

/** What follows the lines that every request has; each list ends its own head, or does not. */
const ASKED: readonly { when: string; status: number; lines: readonly string[] }[] = [
  { when: 'two lengths of one body', status: 400, lines: ['content-length: 5', 'transfer-encoding: chunked', '', ''] },
  { when: 'a head that does not end', status: 408, lines: ['x-slow: '] },
  { when: 'a body that does not end', status: 408, lines: ['content-length: 5', '', '{'] },
  {
    when: 'a chunk with a long extension',
    status: 413,
    lines: ['transfer-encoding: chunked', '', `1;${TOO_LONG}`, '{', '0', '', ''],
  },
  { when: 'an expectation that nobody meets', status: 417, lines: ['expect: a-gift', 'connection: close', '', ''] },
  { when: 'a long head', status: 431, lines: [`x-long: ${TOO_LONG}`, '', ''] },
  { when: 'long trailers', status: 431, lines: ['transfer-encoding: chunked', '', '0', `x-long: ${TOO_LONG}`, '', ''] },
]

describe('an answer of Node itself', () => {
  let portal: TestPortal
  let head: string[]

  beforeAll(async () => {
    portal = await startTestPortal({ times: { header: 150, request: 300, look: 25, reader: 60_000 } })
    const token = await portal.userToken('ada@acme.test')
    head = [
      'POST /mcp HTTP/1.1',
      `host: ${new URL(portal.url).host}`,
      `authorization: Bearer ${token}`,
      'content-type: application/json',
    ]
  })
  afterAll(() => portal?.close())

  test.each(ASKED)('$when is $status, without a body, and ends the connection', async ({ status, lines }) => {
    const connection = openRaw(portal.url)
    connection.write([...head, ...lines].join('\r\n'))
    const [line = '', ...body] = (await connection.closed).split('\r\n\r\n')
    expect(line).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    // Nothing, or nothing in chunks.
    expect(['', '0']).toContain(body.join(''))
  })

  test('has been asked for in each status that the table has as one of Node', () => {
    const ofNode = Object.entries(HTTP_STATUSES).filter(([, { byNode }]) => byNode)
    // The first two are the portal's as well.
    const known = [400, 413, ...ofNode.map(([status]) => Number(status))]
    expect([...new Set(ASKED.map(({ status }) => status))].sort()).toEqual(known.sort())
  })
})
