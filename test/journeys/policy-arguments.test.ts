/**
 * A rule that lets a tool read below one directory, and every shape of arguments that somebody might get past it with, as real calls in both
 * eras, by every name of the tool: each is refused, the caller is told, the audit says why, and the server hears of none.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { messageOf, open2025, type RawAnswer, send } from '../raw-mcp.ts'
import { openPolicyRoom, type PolicyRoom, type TestCaller } from '../support/policy-room.ts'
import { mountOf, WHOLE } from '../support/surfaces.ts'

let room: PolicyRoom
let ada: TestCaller
let ask: ReturnType<typeof waysIn>
beforeAll(async () => {
  room = await openPolicyRoom()
  ada = await room.caller('ada@acme.test')
  const below = { kinds: ['tool'], names: ['read'], arguments: [{ pointer: '/path', under: '/safe' }] }
  const rule = { decision: 'allow' as const, include: [{ everyone: {} }], require: [], exclude: [] }
  await room.rewrite({ portal: [{ ...rule, capabilities: [below] as never }], servers: {} })
  const url = room.portal.url
  const [whole, mounted] = [await open2025(url + WHOLE, ada.raw), await open2025(url + mountOf('alpha'), ada.raw)]
  ask = waysIn(url, { whole: whole.headers, mounted: mounted.headers })
})
afterAll(async () => room?.close())

/** The arguments are JSON text, so that also what no program would write is sent as it stands. */
function waysIn(url: string, sessions: { whole: Record<string, string>; mounted: Record<string, string> }) {
  const meta = `{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
  const body = (name: string, args: string, more: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":${args}${more}}}`
  const modern = (at: string, name: string) => (args: string) =>
    send(url + at, body(name, args, `,"_meta":${meta}`), {
      ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
      ...ada.raw.credentials,
    })
  const legacy = (at: string, name: string, headers: Record<string, string>) => (args: string) =>
    send(url + at, body(name, args, ''), headers)
  return [
    modern(WHOLE, 'alpha_read'),
    modern(mountOf('alpha'), 'read'),
    legacy(WHOLE, 'read', sessions.whole),
    legacy(mountOf('alpha'), 'read', sessions.mounted),
  ]
}

const PATHS = [
  ...['/etc/passwd', '/', '', '.', '..', 'safe/a', './safe/a', '../safe/a', '/safe/../etc/passwd', '/safe/..'],
  ...['/safe/.', '/safe/./a', '/safe/a/../../etc', '/safe//a', '/safe//../etc', '//safe/a', '/./safe/a', '/safe/a/..'],
  ...['/safe/%2e%2e/etc', '/safe/..%2fetc', '/safe/%2e%2e%2fetc', '/safe/%252e%252e/etc', '/%73afe/a', '/safe%2fa'],
  ...[
    '\\safe\\a',
    '/safe\\..\\etc',
    '/safe/..\\etc',
    'C:/safe/a',
    'file:///safe/a',
    '/safe/a:b',
    '/safe/\u0000',
    '/safe\u0000',
  ],
  ...[
    '/SAFE/a',
    '/Safe/a',
    '/safeX',
    '/safe.txt',
    '/safe-evil/a',
    '/safe /a',
    '/safe/a ',
    '/safe/a.',
    '/safe/...',
    ' /safe/a',
  ],
  ...[
    '/\uff53afe/a',
    '/saf\u0435/a',
    '/safe/\uff0e\uff0e/etc',
    '/safe\uff0f..\uff0fetc',
    '/safe/\u2215..',
    '/safe/\u202e',
    '/safe/\u200b',
  ],
  ...[
    '/safe/e\u0301',
    '~/safe',
    '/safe/~root',
    '/safe/$HOME',
    '/safe/a;b',
    '/safe/a|b',
    '/safe/*',
    '/safe/a?x',
    '/safe/a#x',
  ],
  ...['/safe/a\n/etc', '/safe/a\r', '/proc/self/root/safe/a', `/safe/${'a/'.repeat(3000)}a`],
].map((path) => JSON.stringify({ path }))

const SHAPES = [
  ...['{}', '{"path":null}', '{"path":7}', '{"path":true}', '{"path":["/safe/a"]}', '{"path":["/safe/a","/etc"]}'],
  ...['{"path":{"path":"/safe/a"}}', '{"Path":"/safe/a"}', '{"PATH":"/etc"}', '{"path":"/safe/a","Path":"/etc"}'],
  ...[
    '{"path":"/safe/a","path ":"/etc"}',
    '{"path":"/safe/a","p\\u0430th":"/etc"}',
    '{"path":"/safe/a","path\\u0000":"/etc"}',
  ],
  ...[
    '{"path":"/safe/a","file":"/etc"}',
    '{"path":"/safe/a","__proto__":{"path":"/etc"}}',
    '{"path":"/safe/a","":"/etc"}',
  ],
  ...[
    '{"path":"/safe/a","path":"/etc"}',
    '{"path":"/safe/a","pa\\u200bth":"/etc"}',
    '{"path":"/safe/a","constructor":{}}',
  ],
]
const ALL = [...PATHS, ...SHAPES]

/** Told that it was a policy, or that such a request is none. */
function wasTold(answer: RawAnswer): boolean {
  const { result, error } = messageOf(answer)
  return result === undefined
    ? /^(Invalid|Parse error)/.test(error?.message ?? '')
    : /A policy (looks at|does not allow)/.test(JSON.stringify(result))
}

// [SURFACE-4]
test(`${ALL.length} shapes of arguments against "path under /safe" are refused in both eras by every name`, async () => {
  expect(ALL.length).toBeGreaterThanOrEqual(60)
  room.taken()
  let refusals = 0
  for (const shape of ALL) {
    const answers = await Promise.all(ask.map((one) => one(shape)))
    for (const answer of answers) {
      expect(wasTold(answer), `${shape}: ${answer.text}`).toBe(true)
      const { result } = messageOf(answer)
      if (result !== undefined) expect(result.isError, shape).toBe(true)
      if (result !== undefined) refusals++
    }
  }
  expect(room.taken()).toEqual([])
  // Twins of one name are no JSON to some, and are refused before anybody looks what is called.
  expect(refusals).toBeGreaterThanOrEqual((ALL.length - 4) * ask.length)
  const inAudit = async () => {
    const rows: { error: string }[] = []
    for (const name of ['alpha_read', 'read']) {
      const query = new URLSearchParams({ capability: name, limit: '1000', phase: 'ended' })
      const { body } = await room.portal.api<{ error: string }[]>('GET', `/access/ai-controls/mcp/logs?${query}`)
      rows.push(...body.result)
    }
    return rows.filter(({ error }) => error === 'arguments').length
  }
  await expect.poll(inAudit).toBe(refusals)
})

// [SURFACE-4]
test('what lies there passes, exactly as it was sent', async () => {
  for (const path of ['/safe', '/safe/a', '/safe/b/c.txt', '/safe/..a', '/safe/\u00e9']) {
    room.taken()
    for (const one of ask) {
      expect(messageOf(await one(JSON.stringify({ path }))).result, path).toMatchObject({
        content: [{ text: 'alpha did read' }],
      })
    }
    expect(room.taken()).toEqual(ask.map(() => `alpha: tools/call read ${JSON.stringify({ path })}`))
  }
})
