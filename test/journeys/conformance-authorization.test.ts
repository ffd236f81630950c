/** The conformance suite of the protocol against the authorization server of a portal that runs, with a real browser at the link it prints. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, type TestBrowser } from '../browser.ts'
import { letClientIn } from '../browser-sign-in.ts'
import { end, NODE } from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { freePort } from '../portico-process.ts'

const SUITE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)
const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }
const PATIENCE_MS = 60_000

interface Check {
  id: string
  status: string
}

let portal: TestPortal
let browser: TestBrowser

beforeAll(async () => {
  ;[portal, browser] = await Promise.all([startTestPortal({ config: { bootstrap: ADA } }), openBrowser()])
})
afterAll(async () => {
  await Promise.all([browser?.close(), portal?.close()])
})

const ALL_GOOD = {
  'authorization-server-metadata-endpoint': [
    ['authorization-server-metadata', 'SUCCESS'],
    ['authorization-server-metadata-cimd', 'SUCCESS'],
  ],
  'authorization-code-grant': [['authorization-code-grant', 'SUCCESS']],
}

// A client with a secret cannot be tried: the suite leaves its secret out wherever a server also has clients without one.
// [OAUTH-10]
test('the conformance suite finds every check of an authorization server good, and skips none', async () => {
  const port = await freePort()
  const { body } = await portal.api<{ client_id: string }>('POST', '/access/oauth/clients', {
    client_name: 'Conformance',
    redirect_uris: [`http://127.0.0.1:${port}/callback`],
  })
  const { code, checks, output } = await runSuite([
    ...['--url', portal.url, '--resource', `${portal.url}/mcp`],
    ...['--port', String(port), '--client-id', body.result.client_id],
  ])
  expect(checks, output).toEqual(ALL_GOOD)
  expect(code, output).toBe(0)
})

interface SuiteResult {
  code: number | null
  /** Of each scenario, the id and status of its checks. */
  checks: Record<string, [id: string, status: string][]>
  output: string
}

/** Runs it to its end; a person in Chromium opens the link that it prints. */
async function runSuite(args: readonly string[]): Promise<SuiteResult> {
  const dir = await mkdtemp(join(tmpdir(), 'conformance-'))
  const env = { PATH: process.env.PATH ?? '', HOME: dir }
  const child = spawn(NODE, [SUITE, 'authorization', ...args, '--output-dir', join(dir, 'out')], {
    ...{ cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] },
  })
  let output = ''
  const note = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout?.on('data', note)
  child.stderr?.on('data', note)
  const ended = once(child, 'close')
  try {
    const link = await printed(child, () => output, /^http:\S+\?response_type=\S+$/m)
    await letClientIn(await browser.visitor(), link, ADA)
    await ended
    return { code: child.exitCode, checks: await checksIn(join(dir, 'out')), output }
  } finally {
    await end(child)
    await rm(dir, { recursive: true, force: true })
  }
}

/** Waits until the pattern stands in what a process wrote. @throws Error with all of it, where it ends or is silent for too long */
function printed(child: ChildProcess, output: () => string, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const give = () => reject(new Error(`${pattern} was not printed:\n${output()}`))
    const timer = setTimeout(give, PATIENCE_MS)
    child.once('close', give)
    child.stdout?.on('data', () => {
      const [found] = pattern.exec(output()) ?? []
      if (found === undefined) return
      clearTimeout(timer)
      resolve(found)
    })
  })
}

/** Each scenario's directory is named by the scenario and the time. */
async function checksIn(dir: string): Promise<SuiteResult['checks']> {
  const checks: SuiteResult['checks'] = {}
  for (const path of await readdir(dir, { recursive: true })) {
    if (!path.endsWith('checks.json')) continue
    const scenario = path.replace(/^authorization-server-/, '').replace(/-\d{4}-\d\d-.*$/, '')
    const found = JSON.parse(await readFile(join(dir, path), 'utf8')) as Check[]
    checks[scenario] = found.map(({ id, status }) => [id, status])
  }
  return checks
}
