/** The command line against the running program: started as its own process, driven as a person or a script would. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { COMPILED, end, everythingStdio, type HttpPeer, NODE, startEverythingHttp } from '../peers/servers.ts'

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'portico.js')

let folder: string
let env: Record<string, string>
let everything: HttpPeer
let portal: Running
let url: string

interface Running {
  child: ChildProcess
  out(): string
  err(): string
}

function launch(argv: readonly string[]): Running {
  const child = spawn(NODE, [BIN, ...argv], {
    cwd: folder,
    env: { ...env, ...COMPILED },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout?.on('data', (chunk) => (out += chunk))
  child.stderr?.on('data', (chunk) => (err += chunk))
  return { child, out: () => out, err: () => err }
}

/** Resolves with what `pattern` captures in the program's answer, as soon as it stands there. */
async function said(running: Running, pattern: RegExp): Promise<string> {
  const { child } = running
  while (true) {
    const match = pattern.exec(running.out())
    if (match) return match[1] ?? match[0]
    if (child.exitCode !== null || child.stdout === null)
      throw new Error(`ended with ${child.exitCode}:\n${running.out()}${running.err()}`)
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  }
}

async function portico(...argv: string[]) {
  let [out, err] = ['', '']
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const code = await run({ argv, env, cwd: folder, stdout, stderr })
  return { code, out, err }
}

/** For verbs that must succeed. */
async function answer(...argv: string[]) {
  const { code, out, err } = await portico('--json', ...argv)
  expect({ argv, code, err: code === 0 ? '' : err + out }).toEqual({ argv, code: 0, err: '' })
  return JSON.parse(out)
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portico-cli-journey-'))
  env = { PATH: process.env.PATH ?? '', HOME: folder, XDG_CONFIG_HOME: join(folder, 'config'), LOG_LEVEL: 'error' }
  everything = await startEverythingHttp()
  portal = launch(['start', '--port', '0'])
  url = await said(portal, /Portico is up: (http:\S+)\/mcp\n/)
  env.PORTICO_URL = url
})

afterAll(async () => {
  await end(portal.child)
  await everything.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('start', () => {
  test('says where things are and prints no token where nobody is watching', async () => {
    const token = readFileSync(join(folder, 'data', 'admin-token'), 'utf8').trim()
    await said(portal, /key {2,}\S+/)
    expect(portal.out()).toContain(join(folder, 'data', 'admin-token'))
    expect(portal.out() + portal.err()).not.toContain(token)
    expect(portal.out()).not.toContain('\u001b')
  })
  test('every file that it made is for its owner alone, and the key is not among the data', () => {
    const inside = (path: string): string[] =>
      readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
    const paths = [join(folder, 'data'), ...inside(join(folder, 'data')), ...inside(env.XDG_CONFIG_HOME ?? '')]
    expect(paths.filter((path) => (statSync(path).mode & 0o077) !== 0)).toEqual([])
    expect(paths.some((path) => /config.*key-[0-9a-f]{16}$/.test(path))).toBe(true)
    expect(inside(join(folder, 'data')).filter((path) => /key-[0-9a-f]/.test(path))).toEqual([])
  })
  test('a taken port is explained in one line, with exit code 1', async () => {
    const second = launch(['start', '--port', new URL(url).port, '--data', 'other'])
    const [code] = await once(second.child, 'close')
    expect(code).toBe(1)
    expect(second.err()).toContain('is taken.')
    expect(second.err()).not.toContain('    at ')
  })
})

describe('servers', () => {
  test('a server by URL is added to the default portal, listed, shown, synced and removed', async () => {
    const added = await answer('servers', 'add', 'Everything Here', everything.url)
    expect(added).toMatchObject({ id: 'everything-here', status: 'ready', hostname: everything.url })
    expect(await answer('portals', 'show', 'default')).toMatchObject({ servers: [{ server_id: 'everything-here' }] })
    expect((await portico('servers', 'list')).out).toMatch(/everything-here {2}ready {3}\d+/)
    expect((await portico('servers', 'show', 'everything-here')).out).toContain('tool       echo')
    expect(await answer('servers', 'sync', 'everything-here')).toMatchObject({
      status: 'ready',
      tool_count: expect.any(Number),
    })
    expect((await portico('servers', 'rm', 'everything-here')).out).toBe('Removed everything-here.\n')
    expect(await answer('servers', 'list')).toEqual([])
    expect(await portico('servers', 'rm', 'everything-here')).toMatchObject({
      code: 1,
      err: 'There is no server "everything-here".\n',
    })
  })
  test('one inside the network is refused with the flag that opens it, and one that nothing opens without', async () => {
    const inner = await portico('servers', 'add', 'Inner', 'http://[fd12::5]:8080/mcp')
    expect(inner).toMatchObject({ code: 1, out: '' })
    expect(inner.err).toMatch(/^hostname: is inside a private network\..+\nHere: --allow-private \[fd12::5\]:8080\n$/)
    const metadata = await portico('servers', 'add', 'Inner', 'http://169.254.169.254/mcp')
    expect(metadata).toMatchObject({ code: 1, out: '' })
    expect(metadata.err).not.toContain('--allow-private')
    expect(await answer('servers', 'list')).not.toContainEqual(expect.objectContaining({ id: 'inner' }))
  })
  test('a server by command keeps its arguments apart, options of its own included', async () => {
    const { command, args } = everythingStdio()
    const added = await answer(
      'servers',
      'add',
      'kid',
      '--env',
      'GREETING=a=b',
      '--isolation',
      'per_user',
      '--idle-seconds',
      '5',
      '--total-seconds',
      '50',
      '--no-attach',
      '--json',
      '--',
      command,
      ...args,
      '--json',
      '--token',
      'x y',
    )
    expect(added).toMatchObject({
      id: 'kid',
      isolation: 'per_user',
      deadlines: { idle_seconds: 5, total_seconds: 50 },
      transport: { command, args: [...args, '--json', '--token', 'x y'] },
    })
    expect(JSON.stringify(added)).not.toContain('GREETING')
    expect((await portico('servers', 'show', 'kid')).out).toContain(
      'deadlines  5 s without a sign of life, 50 s in all\n',
    )
    expect(await answer('portals', 'show', 'default')).toMatchObject({ servers: [] })
    await answer('servers', 'rm', 'kid')
  })
  test('a server for a portal that does not exist is not made', async () => {
    expect((await portico('servers', 'add', 'x', everything.url, '--portal', 'nowhere')).code).toBe(1)
    expect(await answer('servers', 'list')).toEqual([])
  })
  test('a server that cannot be reached is added and says why', async () => {
    const { code, out } = await portico('servers', 'add', 'gone', 'http://127.0.0.1:2/mcp')
    expect(code).toBe(0)
    expect(out).toMatch(/^Added gone to the portal default: error, 0 tools\. .+\n$/)
    expect((await portico('doctor')).out).toMatch(/PROBLEM {2}server gone/)
    expect((await portico('servers', 'sync', 'gone')).code).toBe(1)
    await answer('servers', 'rm', 'gone')
  })
})

describe('groups, lists and rich policies', () => {
  test('a list is in a group, a group in a policy, and each is given up only when nothing names it', async () => {
    const list = await answer('lists', 'create', 'Staff', 'Ada@two.example', 'bob@two.example')
    expect((await portico('lists', 'add', list.id, 'cyd@two.example')).out).toBe('Staff holds 3 now.\n')
    expect((await portico('lists', 'take', list.id, 'bob@two.example')).out).toBe('Staff holds 2 now.\n')
    expect((await portico('lists', 'show', list.id)).out).toContain('  ada@two.example\n  cyd@two.example')
    const group = await answer('groups', 'create', 'Finance', '--email-list', list.id, '--require-ip', '10.0.0.0/8')
    expect((await portico('groups', 'show', group.id)).out).toContain('and only   ip 10.0.0.0/8')
    const policy = await answer(
      ...['policies', 'create', 'Readers', '--group', group.id, '--server', 'one', '--tool', 'get_.*', '--read-only'],
      ...['--until', '2040-01-01T00:00:00Z'],
    )
    expect(policy).toMatchObject({
      include: [{ group: { id: group.id } }],
      capabilities: [{ servers: ['one'], kinds: ['tool'], patterns: ['get_.*'], annotations: { readOnlyHint: true } }],
      valid_until: '2040-01-01T00:00:00Z',
    })
    expect((await portico('policies', 'show', policy.id)).out).toContain('"readOnlyHint":true')
    const file = join(folder, 'fields.yaml')
    writeFileSync(file, 'capabilities: null\nstep_up: { max_age: 15m }\n')
    expect(await answer('policies', 'update', policy.id, file)).toMatchObject({ step_up: { max_age: '15m' } })
    expect((await portico('policies', 'show', policy.id)).out).not.toContain('capabilities')

    const held = await portico('lists', 'rm', list.id)
    expect([held.code, held.err]).toEqual([1, expect.stringContaining('is named by group "Finance"')])
    expect((await portico('groups', 'rm', group.id)).err).toContain('policy "Readers"')
    for (const [what, id] of [
      ['policies', policy.id],
      ['groups', group.id],
      ['lists', list.id],
    ])
      await answer(String(what), 'rm', String(id))
    expect((await portico('groups', 'rm', group.id)).code).toBe(1)
  })

  test('nobody covered, a bad pattern and a file that is none are said, and nothing is made', async () => {
    expect((await portico('groups', 'create', 'Empty')).code).toBe(2)
    const bad = await portico('policies', 'create', 'Bad', '--everyone', '--tool', '(x')
    expect([bad.code, bad.err]).toEqual([1, expect.stringContaining('capabilities.0.patterns.0')])
    expect((await portico('policies', 'update', 'x', join(folder, 'nowhere.yaml'))).code).toBe(2)
    expect((await portico('policies', 'list')).out).not.toContain('Bad')
  })
})

describe('portals and policies', () => {
  test('a portal is made, furnished, opened to somebody, and removed', async () => {
    await answer('servers', 'add', 'one', everything.url, '--no-attach')
    const made = await portico('portals', 'create', 'Team Two')
    expect(made).toMatchObject({ code: 0, out: `Made team-two: ${url}/p/team-two/mcp\n` })
    expect(made.err).toContain('Nobody may enter yet')
    await answer('portals', 'attach', 'team-two', 'one', '--off')
    expect((await portico('portals', 'attach', 'team-two', 'one')).out).toContain('already')
    const policy = await answer(
      'policies',
      'create',
      'Two only',
      '--domain',
      'two.example',
      '--except-email',
      'eve@two.example',
      '--portal',
      'team-two',
    )
    expect(policy).toMatchObject({
      decision: 'allow',
      include: [{ email_domain: { domain: 'two.example' } }],
      exclude: [{ email: { email: 'eve@two.example' } }],
    })
    expect(await answer('portals', 'show', 'team-two')).toMatchObject({
      policies: [policy.id],
      servers: [{ server_id: 'one', default_disabled: true }],
    })
    expect((await portico('policies', 'show', policy.id)).out).toContain('but not    email eve@two.example')
    expect(await answer('portals', 'policies', 'team-two', '--none')).toEqual([])
    expect(await answer('portals', 'policies', 'team-two', policy.id)).toEqual([policy.id])
    await answer('portals', 'detach', 'team-two', 'one')
    for (const words of [
      ['portals', 'rm', 'team-two'],
      ['policies', 'rm', policy.id],
      ['servers', 'rm', 'one'],
    ])
      await answer(...words)
  })
})

describe('tokens', () => {
  test('stdout is the token and nothing else; lists never hold it; revoking ends it at once', async () => {
    const { code, out, err } = await portico('token', 'create', '--api', 'auditor', '--expires', '1h')
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^ptapi_\w+\n$/) })
    const id = /Token (\w+), until /.exec(err)?.[1] ?? ''
    const token = out.trim()
    expect((await portico('token', 'list', '--token', token)).out).toContain(id)
    expect((await portico('token', 'list', '--json')).out).not.toContain(token)
    const refused = await portico('servers', 'add', 'x', everything.url, '--token', token)
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('An owner can make a token that may')
    expect((await portico('token', 'revoke', id)).out).toBe(`Revoked ${id}.\n`)
    expect((await portico('servers', 'list', '--token', token)).err).toContain('Give an API token')
    expect((await portico('token', 'revoke', 'nothing')).err).toContain('There is no token "nothing".')
  })
  test('access tokens and service tokens are made, listed and revoked too', async () => {
    const access = await answer('token', 'create', '--user', 'ada@example.com', '--portal', 'default')
    expect(access).toMatchObject({ email: 'ada@example.com', token: expect.stringMatching(/^ptat_/) })
    const service = await answer('token', 'create', '--service', 'nightly', '--expires', '90d')
    expect(service).toMatchObject({
      duration: '2160h',
      client_id: expect.any(String),
      client_secret: expect.any(String),
    })
    const table = (await portico('token', 'list')).out
    for (const word of [access.id, 'ada@example.com', service.id, 'nightly']) expect(table).toContain(word)
    await answer('token', 'revoke', access.id)
    await answer('token', 'revoke', service.id)
  })
})

test('connect prints a configuration with which a client is let in', async () => {
  await answer('servers', 'add', 'everything', everything.url)
  const { out, err } = await portico('connect', 'claude-code', '--user', 'ada@example.com')
  const { mcpServers } = JSON.parse(out)
  expect(err).toContain('This belongs in .mcp.json.')
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js')
  const client = new Client({ name: 'journey', version: '1' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(mcpServers.portico.url), {
      requestInit: { headers: mcpServers.portico.headers },
    }) as Parameters<typeof client.connect>[0],
  )
  try {
    const result = await client.callTool({ name: 'everything_echo', arguments: { message: 'through the door' } })
    expect(JSON.stringify(result.content)).toContain('through the door')
  } finally {
    await client.close()
  }
  expect((await portico('logs', '--tool', 'everything_echo')).out).toMatch(
    / {2}ada@example\.com {2}default {2}everything_echo {2}answered {2}[\d.]+ ms\n$/,
  )
  expect(await answer('logs', '--actor', 'nobody@example.com')).toEqual([])
  await answer('servers', 'rm', 'everything')
})

test('connect leaves it to the client to sign in, or refers to a token, where nobody gives one', async () => {
  const { out, err } = await portico('connect', 'codex')
  expect(out).toBe(`[mcp_servers.portico]\nurl = "${url}/mcp"\n`)
  expect(err).toContain(`Or type: codex mcp add portico --url ${url}/mcp && codex mcp login portico`)
  const referring = await portico('connect', 'codex', '--token-reference')
  expect(referring.out).toBe(`${out}bearer_token_env_var = "PORTICO_ACCESS_TOKEN"\n`)
  expect(referring.err).toContain('Set PORTICO_ACCESS_TOKEN')
  expect(referring.err).not.toContain('Or type')
  expect(out).not.toContain('ptat_')
})

test('clients are told the public URL of this machine’s portal, and the address that was asked for where one was', async () => {
  const { PORTICO_URL: _, ...here } = env
  const published = { ...here, PORTICO_PORT: new URL(url).port, PORTICO_PUBLIC_URL: 'https://mcp.example.com' }
  const printed = async (surroundings: Record<string, string>, ...argv: string[]) => {
    let out = ''
    const sink = { write: (text: string) => (out += text) }
    expect(await run({ argv, env: surroundings, cwd: folder, stdout: sink, stderr: sink })).toBe(0)
    return out
  }
  expect(await printed(published, 'connect', 'cursor')).toContain('"url": "https://mcp.example.com/mcp"')
  expect(await printed(published, 'portals', 'show', 'default')).toContain('url        https://mcp.example.com/mcp')
  expect(await printed(published, '--url', url, 'connect', 'cursor')).toContain(`"url": "${url}/mcp"`)
  expect(await printed(env, 'connect', 'cursor')).toContain(`"url": "${url}/mcp"`)
})

test('logs -f shows what comes, each row once', async () => {
  const following = launch(['logs', '-f', '--json', '-n', '1', '--plane', 'admin'])
  try {
    await said(following, /"seq":\d+.*\n/)
    const { id } = await answer('token', 'create', '--user', 'late@example.com')
    await said(following, new RegExp(id))
    await answer('token', 'revoke', id)
    await said(following, new RegExp(`${id}[\\s\\S]*"DELETE [^\\n]*${id}|${id}[^\\n]*\\n[\\s\\S]*${id}`))
    // The last line may not be here whole yet.
    const numbers = following
      .out()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).seq)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers.toSorted((a: number, b: number) => a - b)).toEqual(numbers)
  } finally {
    await end(following.child)
  }
})

test('setup-mcp-portal adds, lists, syncs and removes, in JSON', async () => {
  const ask = async (input: unknown) => {
    const { code, out } = await portico('setup-mcp-portal', '--input-json', JSON.stringify(input))
    return { code, ...JSON.parse(out) }
  }
  expect(await ask({ command: 'add_server', name: 'Health Ledger', url: everything.url })).toMatchObject({
    code: 0,
    success: true,
    result: { id: 'health-ledger', status: 'ready' },
  })
  expect(await ask({ command: 'list_servers' })).toMatchObject({ success: true, result: [{ id: 'health-ledger' }] })
  expect(await ask({ command: 'list_portals' })).toMatchObject({
    success: true,
    result: [{ id: 'default', servers: [{ server_id: 'health-ledger' }] }],
  })
  expect(await ask({ command: 'sync_server', id: 'health-ledger' })).toMatchObject({
    success: true,
    result: { status: 'ready' },
  })
  expect(await ask({ command: 'remove_server', id: 'health-ledger' })).toMatchObject({
    success: true,
    result: { id: 'health-ledger' },
  })
  expect(await ask({ command: 'remove_server', id: 'health-ledger' })).toMatchObject({
    code: 1,
    success: false,
    errors: [{ message: 'There is no server "health-ledger".' }],
  })
  // The one gate to running programs is not gone around by another form.
  expect(await ask({ command: 'add_server', name: 'x', url: 'stdio://x' })).toMatchObject({ code: 2, success: false })
})

test('doctor finds nothing wrong with a portal that is well', async () => {
  const { code, out } = await portico('doctor')
  expect(out).not.toContain('PROBLEM')
  expect(code).toBe(0)
  for (const word of ['node', 'brought node', 'settings', 'data', 'key', 'portal', 'ready', 'servers'])
    expect(out).toMatch(new RegExp(`^ok +${word} `, 'm'))
})

test('the demo brings real servers and a configuration that works, and leaves nothing behind', async () => {
  const { PORTICO_URL: _, ...own } = env
  env = { ...own, TMPDIR: folder }
  const demo = launch(['demo', '--port', '0', '--json'])
  try {
    await said(demo, /\n\}\n$/)
    const facts = JSON.parse(demo.out())
    const { url: mcp, headers } = JSON.parse(facts.config).mcpServers['portico-demo']
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js')
    const client = new Client({ name: 'journey', version: '1' })
    await client.connect(
      new StreamableHTTPClientTransport(new URL(mcp), { requestInit: { headers } }) as Parameters<
        typeof client.connect
      >[0],
    )
    const names = (await client.listTools()).tools.map((tool) => tool.name)
    expect(names).toEqual(expect.arrayContaining(['everything_echo', 'files_list_directory', 'memory_read_graph']))
    await client.close()
    demo.child.kill('SIGTERM')
    const [code] = await once(demo.child, 'exit')
    expect(code).toBe(0)
    expect(existsSync(facts.data)).toBe(false)
  } finally {
    await end(demo.child)
    env = { ...own, PORTICO_URL: url }
  }
})

test('SIGTERM ends the portal with exit code 0, also when it comes twice at once', async () => {
  portal.child.kill('SIGTERM')
  portal.child.kill('SIGINT')
  const [code] = await once(portal.child, 'close')
  expect(code).toBe(0)
  expect(portal.err()).toMatch(/SIG(TERM|INT): finishing what is under way/)
})
