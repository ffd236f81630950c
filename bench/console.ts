/**
 * `node bench/console.ts`: the console with 200 servers, 10,000 tools and an audit of 1,000,000 rows (SQLite), in a real browser, beside the
 * same pages of a portal with 2 servers. Each page is opened in a tab of its own with nothing cached, by turns in the one and the other
 * portal; figures are medians, and ratios are taken within one run. `--only portal-tools,logs` and `--rounds 1` narrow a run.
 */
import { parseArgs } from 'node:util'
import type { BrowserContext } from 'playwright-core'
import { buildConsole } from '../scripts/build-console.ts'
import { openSqliteAuditStore } from '../src/audit/sqlite-audit-store.ts'
import { openBrowser, type TestBrowser } from '../test/browser.ts'
import { fillAudit, STEP_MS } from './audit-rows.ts'
import { type Opened, openCold, typeInto } from './console-page.ts'
import { median } from './figures.ts'
import { registerServers } from './many-servers.ts'
import { type BenchPortal, startPortal } from './portal.ts'
import { type Running, startProgram } from './processes.ts'

const { values: options } = parseArgs({
  options: {
    servers: { type: 'string', default: '200' },
    tools: { type: 'string', default: '50' },
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
})
const rounds = Number(options.rounds)
const rows = Number(options.rows)
const toolsEach = Number(options.tools)

const FIRST_LOAD_MS = 1000
/** A key whose effect is seen within this feels like one's own doing. */
const KEY_MS = 100
const WHO = { email: 'bench@example.com', password: 'correct horse battery staple' }
const ROW = '.rows [data-index]'
/** Tools of the one server that has very many, and of the one beside it. */
const [VERY_MANY, FEW_TOOLS] = [5000, 50]

interface Visited {
  name: string
  path: string
  /** What must be there beside a heading and no sign of waiting. */
  row?: string
  /** The field in which is searched. */
  find?: readonly [label: string, text: string]
}

const PAGES: readonly Visited[] = [
  { name: 'overview', path: '/' },
  { name: 'servers', path: '/servers', row: ROW, find: ['Search', 's1'] },
  { name: 'server-new', path: '/servers/new' },
  { name: 'server', path: '/servers/s0' },
  { name: 'server-tools', path: '/servers/s0?tab=tools', row: ROW },
  { name: 'server of 5,000', path: '/servers/vast' },
  {
    name: 'server of 5,000, tools',
    path: '/servers/vast?tab=tools',
    row: ROW,
    find: ['Search by name or description', 'lookup_4'],
  },
  { name: 'server of 5,000, one tool', path: '/servers/vast?tab=tools&of=vast_lookup_7', row: '[role=dialog] pre' },
  { name: 'server of 5,000, settings', path: '/servers/vast?tab=settings' },
  { name: 'portals', path: '/portals', row: ROW },
  { name: 'portal-new', path: '/portals/new' },
  { name: 'portal', path: '/portals/default' },
  { name: 'portal-servers', path: '/portals/default?tab=servers', row: ROW },
  {
    name: 'portal-tools',
    path: '/portals/default?tab=tools',
    row: ROW,
    find: ['Find by name or description', 's1_lookup_4'],
  },
  { name: 'portal-context', path: '/portals/default?tab=context' },
  { name: 'portal-settings', path: '/portals/default?tab=settings' },
  { name: 'policies', path: '/policies' },
  { name: 'policy-new', path: '/policies/new' },
  { name: 'access', path: `/access?user=${WHO.email}&portal=default&name=s0_s0_lookup_1` },
  { name: 'approvals', path: '/approvals' },
  { name: 'people', path: '/people', row: ROW },
  { name: 'clients', path: '/clients' },
  { name: 'logs', path: '/logs', row: ROW },
  { name: 'logs, a tool', path: '/logs?capability=server-1_tool_1', row: ROW },
  { name: 'logs, a word', path: '/logs?q=answered', row: ROW },
  { name: 'settings', path: '/settings/organization' },
]

type Cookies = Awaited<ReturnType<BrowserContext['cookies']>>

interface Subject {
  portal: BenchPortal
  cookies: Cookies
  samples: Map<string, Opened[]>
  keys: Map<string, number[]>
}

const only = options.only?.split(',')
const pages = PAGES.filter(({ name }) => only === undefined || only.includes(name))
const ends: (() => Promise<void>)[] = []
try {
  await buildConsole()
  const browser = await openBrowser()
  ends.push(() => browser.close())
  const vast = await startSubject(browser, { servers: Number(options.servers), rows, ofVast: VERY_MANY })
  const small = await startSubject(browser, { servers: 2, rows: 100, ofVast: FEW_TOOLS })
  for (let round = 0; round < rounds; round++)
    for (const page of pages)
      for (const subject of round % 2 === 0 ? [vast, small] : [small, vast]) await visit(browser, subject, page)
  print(vast, small)
} finally {
  for (const end of ends.toReversed()) await end()
}

async function startSubject(
  browser: TestBrowser,
  size: { servers: number; rows: number; ofVast: number },
): Promise<Subject> {
  const [many, vast] = [
    await startProgram('./upstream.ts', [String(toolsEach)]),
    await startProgram('./upstream.ts', [String(size.ofVast)]),
  ]
  ends.push(many.stop, vast.stop)
  const portal = await startPortal('process', {}, async (data) => {
    const store = await openSqliteAuditStore(`${data}/audit.db`)
    // They end a moment ago: what is older than it is kept for goes at the start.
    await fillAudit(store, size.rows, Date.now() - size.rows * STEP_MS)
    await store.close()
  })
  ends.push(portal.stop)
  await furnish(portal, size.servers, { many, vast })
  const cookies = await signIn(browser, portal)
  return { portal, cookies, samples: new Map(), keys: new Map() }
}

async function furnish(portal: BenchPortal, servers: number, { many, vast }: Record<'many' | 'vast', Running>) {
  const begun = performance.now()
  await registerServers(portal, servers, () => many)
  const hostname = `http://127.0.0.1:${vast.port}/vast`
  await portal.api('POST', '/access/ai-controls/mcp/servers', {
    ...{ id: 'vast', name: 'vast', hostname, auth_type: 'unauthenticated' },
  })
  console.error(`${servers} servers of ${toolsEach} tools registered in ${Math.round(performance.now() - begun)} ms`)
}

/** An owner, by the way that a person takes. */
async function signIn(browser: TestBrowser, { port, api }: BenchPortal): Promise<Cookies> {
  await api('POST', '/access/roles', { role: 'owner', email: WHO.email })
  const link = await api<{ url: string }>('POST', '/admin/links', { purpose: 'password', email: WHO.email })
  const page = await browser.visitor()
  await page.goto(link.url)
  await page.getByLabel('Password, at least 12').fill(WHO.password)
  await page.getByRole('button', { name: 'Set the password' }).click()
  await page.getByRole('heading', { name: 'Your password is set' }).waitFor()
  await page.goto(`http://127.0.0.1:${port}/admin`)
  const form = page.locator('form[action="/sign-in/local"]')
  await form.getByLabel('Email address').fill(WHO.email)
  await form.getByLabel('Password').fill(WHO.password)
  await form.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  const cookies = await page.context().cookies()
  await page.context().close()
  return cookies
}

async function visit(browser: TestBrowser, subject: Subject, { name, path, row = '', find }: Visited): Promise<void> {
  const page = await browser.visitor({ width: 1280 })
  await page.context().addCookies(subject.cookies)
  const url = `http://127.0.0.1:${subject.portal.port}/admin${path}`
  const opened = await openCold(page, url, row).catch(async (error: Error) => {
    throw new Error(`${name}: ${error.message}\n${(await page.locator('body').innerText()).slice(0, 1000)}`)
  })
  add(subject.samples, name, opened)
  if (find !== undefined) add(subject.keys, name, await typeInto(page, ...find))
  await page.context().close()
}

function add<Sample>(to: Map<string, Sample[]>, name: string, sample: Sample): void {
  to.set(name, [...(to.get(name) ?? []), sample])
}

function print(vast: Subject, small: Subject): void {
  const tools = Number(options.servers) * toolsEach
  console.log(
    `${options.servers} servers, ${tools} tools, ${rows} rows of audit, beside 2 servers; ${rounds} rounds, medians\n`,
  )
  console.log(
    line(['page', 'usable', 'small', 'ratio', 'JSON KB', 'small', 'slowest', 'tasks', 'longest', 'nodes', 'key']),
  )
  const late: string[] = []
  for (const { name } of pages) {
    const [mine, other] = [summary(vast.samples.get(name) ?? []), summary(small.samples.get(name) ?? [])]
    const key = vast.keys.get(name)
    const { usableMs, jsonBytes, slowestAnswerMs, longTasks, longestTaskMs, nodes } = mine
    const figures = [usableMs, other.usableMs].map((ms) => ms.toFixed(0))
    const bytes = [jsonBytes, other.jsonBytes].map((count) => (count / 1024).toFixed(1))
    const rest = [slowestAnswerMs, longTasks, longestTaskMs, nodes].map((value) => value.toFixed(0))
    const typed = key === undefined ? '' : median(key).toFixed(0)
    console.log(line([name, ...figures, (usableMs / other.usableMs).toFixed(2), ...bytes, ...rest, typed]))
    if (usableMs > FIRST_LOAD_MS) late.push(name)
    if (key !== undefined && median(key) > KEY_MS) late.push(`${name}, while typing`)
  }
  const verdict = late.length === 0 ? 'kept' : `EXCEEDED by ${late.join('; ')}`
  console.log(`\nusable within ${FIRST_LOAD_MS} ms with nothing cached, each key within ${KEY_MS} ms: ${verdict}`)
}

function summary(samples: readonly Opened[]): Opened {
  const over = (column: keyof Opened) => median(samples.map((sample) => sample[column]))
  return {
    ...{ usableMs: over('usableMs'), longestTaskMs: over('longestTaskMs'), longTasks: over('longTasks') },
    ...{ jsonBytes: over('jsonBytes'), slowestAnswerMs: over('slowestAnswerMs'), nodes: over('nodes') },
  }
}

function line([name = '', ...cells]: readonly string[]): string {
  return `  ${name.padEnd(26)}${cells.map((cell) => cell.padStart(9)).join('')}`
}
