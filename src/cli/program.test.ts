import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { idFrom, readPairs } from './add-server.ts'
import { run } from './program.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-cli-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function portico(argv: string[], env: Record<string, string> = {}) {
  let [out, err] = ['', '']
  const code = await run({
    argv,
    env,
    cwd: folder,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  })
  return { code, out, err }
}

describe('usage', () => {
  const wrong = [
    { argv: [], says: 'Usage: portico' },
    { argv: ['servers'], says: 'Usage: portico servers' },
    { argv: ['server', 'list'], says: 'Did you mean servers?' },
    { argv: ['servers', 'add'], says: "missing required argument 'name'" },
    { argv: ['servers', 'add', 'x'], says: 'Give a URL, or "--" and a command' },
    { argv: ['servers', 'add', 'x', 'https://a.example/mcp', '--', 'sh'], says: 'one of the two' },
    { argv: ['servers', 'add', 'x', '--header', 'A: b', '--', 'sh'], says: 'A command takes its secrets by --env' },
    { argv: ['servers', 'add', 'x', 'https://a.example/mcp', '--env', 'A=b'], says: '--env is for commands' },
    { argv: ['servers', 'add', 'x', 'https://a.example/mcp', '--header', 'Ab'], says: '--header takes NAME: VALUE' },
    {
      argv: ['servers', 'add', 'x', 'https://a.example/mcp', '--isolation', 'none'],
      says: 'Allowed choices are shared',
    },
    {
      argv: ['servers', 'add', 'x', 'https://a.example/mcp', '--idle-seconds', '1m'],
      says: '--idle-seconds takes a whole number of seconds.',
    },
    { argv: ['servers', 'add', '…', 'https://a.example/mcp'], says: 'no letter or digit to make an id of' },
    { argv: ['servers', 'update', 'x', '--token', 't'], says: 'Say what to change.' },
    { argv: ['servers', 'update', 'x', '--relay-sampling', 'yes'], says: 'Allowed choices are on, off' },
    {
      argv: ['servers', 'update', 'x', '--relay-sampling-max-tokens', '4k', '--token', 't'],
      says: '--relay-sampling-max-tokens takes a whole number of tokens.',
    },
    {
      argv: ['servers', 'update', 'x', '--relay-answer-time', '5m', '--token', 't'],
      says: '--relay-answer-time takes a whole number of seconds.',
    },
    { argv: ['servers', 'list', '--', 'x'], says: 'Only "servers add" takes a command' },
    { argv: ['token', 'create'], says: 'Say which' },
    { argv: ['token', 'create', '--user', 'a@b.example', '--service', 'x'], says: 'Say which' },
    {
      argv: ['token', 'create', '--user', 'a@b.example', '--expires', 'soon', '--token', 'x'],
      says: '"soon" is no duration',
    },
    { argv: ['policies', 'create', 'x'], says: 'Say whom it covers' },
    { argv: ['connect', 'emacs'], says: '"emacs" is not one of claude-code' },
    { argv: ['connect', 'cursor', '--as', 'a.b'], says: '--as takes letters' },
    { argv: ['logs', '-n', 'many'], says: '--limit takes' },
    {
      argv: ['servers', 'list', '--url', 'http://portal.example.com', '--token', 'x'],
      says: 'may not travel in clear text',
    },
  ]
  for (const { argv, says } of wrong) {
    test(`portico ${argv.join(' ')}: exit code 2, on stderr alone`, async () => {
      const { code, out, err } = await portico(argv)
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toContain(says)
    })
  }
  test('wrong usage names the help of the command that was meant', async () => {
    expect((await portico(['servers', 'add'])).err).toBe(
      "missing required argument 'name'\nSee portico servers add --help\n",
    )
    expect((await portico(['servers', 'nope'])).err).toContain('\nSee portico servers --help\n')
    expect((await portico(['token', 'create'])).err).toContain('\nSee portico token create --help\n')
    expect((await portico(['servers'])).err).not.toContain('See portico')
  })
  test('help is an answer: exit code 0, on stdout', async () => {
    const { code, out, err } = await portico(['--help'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('One door to every MCP server.')
  })
  test('with --json an error is JSON on stdout too', async () => {
    const { code, out, err } = await portico(['servers', 'list', '--json'])
    expect({ code, err }).toEqual({ code: 1, err: '' })
    expect(JSON.parse(out)).toMatchObject({ success: false, errors: [{ message: 'No API token.' }] })
  })
  test('setup-mcp-portal answers JSON on stdout for every kind of error', async () => {
    for (const [input, exit] of [
      ['{', 2],
      ['{}', 2],
      ['{"command":"add_server","name":"x"}', 2],
      ['{"command":"add_server","name":"x","url":"file:///etc/passwd"}', 2],
      ['{"command":"add_server","name":"x","url":"https://a.example","transport":{}}', 2],
      ['{"command":"list_servers"}', 1],
    ] as const) {
      const { code, out, err } = await portico(['setup-mcp-portal', '--input-json', input])
      expect({ input, code, err }).toEqual({ input, code: exit, err: '' })
      expect(JSON.parse(out)).toMatchObject({ success: false, errors: [{ message: expect.any(String) }] })
    }
  })
})

describe('config', () => {
  test('print says each value and where it came from, and never a secret', async () => {
    writeFileSync(join(folder, 'portico.yaml'), 'log_level: warn\n')
    const env = {
      PORTICO_ENCRYPTION_KEY: 'ab'.repeat(32),
      DATABASE_URL: 'postgres://ada:hunter2@db.example/x?sslpassword=hunter2',
    }
    const { code, out } = await portico(['config', 'print', '--redacted', '--port', '9000', '--json'], env)
    expect(code).toBe(0)
    expect(out).not.toMatch(/hunter2|abab/)
    expect(JSON.parse(out)).toEqual(
      expect.arrayContaining([
        { setting: 'port', value: '9000', origin: 'flag', where: '--port' },
        { setting: 'log_level', value: 'warn', origin: 'file', where: `${join(folder, 'portico.yaml')}:1: log_level` },
        { setting: 'host', value: '127.0.0.1', origin: 'default', where: '' },
        { setting: 'encryption_key', value: '[redacted]', origin: 'environment', where: 'PORTICO_ENCRYPTION_KEY' },
        {
          setting: 'database_url',
          value: 'postgres://ada:redacted@db.example/x',
          origin: 'environment',
          where: 'DATABASE_URL',
        },
      ]),
    )
  })
  test('print and validate make nothing', async () => {
    await portico(['config', 'print'], { XDG_CONFIG_HOME: folder })
    expect(readdirSync(folder)).toEqual([])
  })
  test('validate names what is wrong in declared objects too', async () => {
    writeFileSync(
      join(folder, 'portico.yaml'),
      'servers:\n  - {id: portal, name: x, hostname: ftp://x, auth_type: bearer}\n',
    )
    const { code, err } = await portico(['config', 'validate'])
    expect(code).toBe(1)
    expect(err).toMatch(/servers\.0\.id: .*reserved/)
    expect(err).toMatch(/servers\.0\.hostname: /)
  })
  test('the example of a team in a file is valid', async () => {
    const file = join(import.meta.dirname, '..', '..', 'examples', 'team-in-a-file', 'portico.yaml')
    expect(await portico(['config', 'validate', '--config', file], { LEDGER_TOKEN: 'x' })).toMatchObject({
      code: 0,
      err: '',
    })
    expect((await portico(['config', 'validate', '--config', file])).err).toContain('LEDGER_TOKEN} is not set')
  })
  test('a broken file is told by every verb that reads it, with exit code 1', async () => {
    writeFileSync(join(folder, 'portico.yaml'), 'prot: 1\n')
    for (const argv of [['config', 'print'], ['servers', 'list'], ['start']]) {
      const { code, err } = await portico(argv)
      expect(code).toBe(1)
      expect(err).toContain('did you mean "port"?')
    }
  })
})

describe('the token goes to its portal and nowhere else', () => {
  let server: Server
  let asked: IncomingMessage[]
  let url: string
  let answer: { status: number; headers: Record<string, string>; body: string }

  beforeEach(async () => {
    asked = []
    answer = {
      status: 200,
      headers: {},
      body: JSON.stringify({ success: true, errors: [], messages: [], result: [], result_info: null }),
    }
    server = createServer((request, response) => {
      asked.push(request)
      response.writeHead(answer.status, answer.headers).end(answer.body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(() => new Promise((resolve) => server.close(resolve)))

  const data = (token = 'ptapi_here') => {
    mkdirSync(join(folder, 'data'), { mode: 0o700 })
    writeFileSync(join(folder, 'data', 'admin-token'), `${token}\n`)
    chmodSync(join(folder, 'data', 'admin-token'), 0o600)
  }

  test('flag, then PORTICO_TOKEN, then the owner token in the data directory', async () => {
    data()
    await portico(['servers', 'list', '--url', url, '--token', 'by-flag'], { PORTICO_TOKEN: 'by-variable' })
    await portico(['servers', 'list', '--url', url], { PORTICO_TOKEN: 'by-variable' })
    await portico(['servers', 'list', '--account', 'acme'], { PORTICO_URL: url })
    expect(asked.map((request) => request.headers.authorization)).toEqual([
      'Bearer by-flag',
      'Bearer by-variable',
      'Bearer ptapi_here',
    ])
    expect(asked.map((request) => request.url?.split('?')[0])).toEqual([
      '/client/v4/accounts/default/access/ai-controls/mcp/servers',
      '/client/v4/accounts/default/access/ai-controls/mcp/servers',
      '/client/v4/accounts/acme/access/ai-controls/mcp/servers',
    ])
  })
  test('a redirect is not followed', async () => {
    answer = { status: 307, headers: { location: 'http://127.0.0.1:9/' }, body: '' }
    const { code, err } = await portico(['servers', 'list', '--url', url, '--token', 'x'])
    expect({ code, asked: asked.length }).toEqual({ code: 1, asked: 1 })
    expect(err).toContain('answered 307 and not as a portal does')
  })
  test('the owner token of this machine is never offered to another', async () => {
    data()
    const { code, err } = await portico(['servers', 'list', '--url', 'https://portal.example.com'])
    expect(code).toBe(1)
    expect(err).toContain('Give --token or PORTICO_TOKEN for https://portal.example.com.')
  })
  test("a portal's no is said in its words, with what to do, and hostile words are shown", async () => {
    answer = {
      status: 401,
      headers: {},
      body: JSON.stringify({
        success: false,
        errors: [{ code: 10000, message: 'Unknown\u001b[2J token' }],
        messages: [],
        result: null,
      }),
    }
    const { code, err } = await portico(['servers', 'list', '--url', url, '--token', 'x'])
    expect(code).toBe(1)
    expect(err).toContain('Unknown\\u{1b}[2J token\nGive an API token with --token')
    const json = await portico(['servers', 'list', '--url', url, '--token', 'x', '--json'])
    expect(JSON.parse(json.out)).toMatchObject({ success: false, errors: [{ code: 10000 }] })
    expect(json.out).not.toContain('\u001b')
  })
  test('an answer in another shape is said to be one', async () => {
    answer.body = JSON.stringify({ success: true, result: [{ id: 7 }] })
    expect((await portico(['servers', 'list', '--url', url, '--token', 'x'])).err).toContain(
      'in a shape that this version does not know',
    )
  })
})

describe('demo', () => {
  const refused = [
    { when: 'another address by flag', argv: ['--host', '0.0.0.0'], env: {}, says: 'listening on 0.0.0.0' },
    {
      when: 'another address by variable',
      argv: [],
      env: { PORTICO_HOST: '192.168.1.1' },
      says: 'listening on 192.168.1.1',
    },
    { when: 'a public URL', argv: [], env: { PORTICO_PUBLIC_URL: 'https://a.example' }, says: 'a public URL' },
    { when: 'a database', argv: [], env: { DATABASE_URL: 'postgres://a' }, says: 'DATABASE_URL' },
  ]
  for (const { when, argv, env, says } of refused) {
    // [CLOSED-4]
    test(`${when} is refused with exit code 1`, async () => {
      const { code, err } = await portico(['demo', ...argv], env as Record<string, string>)
      expect(code).toBe(1)
      expect(err).toContain(says)
    })
  }
})

describe('small things', () => {
  test('ids are made from names', () => {
    expect(
      ['Health Ledger!', 'GitHub', 'Äpfel & Öl', 'a--b', 'x'.repeat(40), `${'x'.repeat(31)} y`].map(idFrom),
    ).toEqual(['health-ledger', 'github', 'apfel-ol', 'a-b', 'x'.repeat(32), 'x'.repeat(31)])
  })
  test('pairs keep what follows the first separator', () => {
    expect(readPairs(['A=b=c', 'D='], '=', '--env')).toEqual({ A: 'b=c', D: '' })
    expect(readPairs(['X-Key: a: b'], ':', '--header')).toEqual({ 'X-Key': 'a: b' })
    expect(() => readPairs(['A=1', 'A=2'], '=', '--env')).toThrow('given twice')
  })
})
