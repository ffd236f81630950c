/** A run of code over two replicas on PostgreSQL: it waits at one, and its client comes back to the other. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AskingServer, asks, startAsking } from '../asking-server.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { APPROVAL, APPROVER, GUARDED, giveWord } from '../demand-room.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { Person } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { bearer, type RawCaller } from '../raw-mcp.ts'
import { answering, MCP, type Tried, type Trying, tryOnce } from '../relay-room.ts'

const PASSWORD = 'correct horse battery staple'

let database: FreshPostgres
let desk: AskingServer
let ledger: Ledger
let first: PorticoProcess
let second: PorticoProcess
let ann: RawCaller
let asked = 0

beforeAll(async () => {
  desk = await startAsking((call) => {
    const id = `q${++asked}`
    call.say(asks(id))
    void desk.toldOf(id).then(({ result, error }) => call.answer(JSON.stringify(result ?? error)))
  })
  ;[database, ledger] = await Promise.all([freshPostgres(process.env.PORTICO_TEST_TEMPLATE), startLedger()])
  const settings = {
    ...{ DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') },
    ...{ PORTICO_BOOTSTRAP_ADMIN_EMAIL: APPROVER, PORTICO_BOOTSTRAP_ADMIN_PASSWORD: PASSWORD },
  }
  first = await startPorticoProcess(settings)
  const guard = await first.api<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'Payments', decision: 'allow', include: [{ everyone: {} }], capabilities: GUARDED },
    ...APPROVAL,
  })
  const servers = [
    { id: 'desk', name: 'Desk', hostname: desk.url, auth_type: 'unauthenticated' },
    { id: 'ledger', name: 'Ledger', hostname: ledger.url, auth_type: 'unauthenticated', policies: [guard.id] },
  ]
  for (const server of servers) {
    await first.api('POST', `${MCP}/servers`, server)
    await first.api('POST', `${MCP}/servers/${server.id}/sync`)
  }
  await first.api('PUT', `${MCP}/portals/default`, { servers: servers.map(({ id }) => ({ server_id: id })) })
  const made = await first.api<{ token: string }>('POST', '/tokens/access', {
    email: 'ann@acme.test',
    portal: 'default',
  })
  ann = bearer(made.token)
  second = await startPorticoProcess(settings)
}, 240_000)
afterAll(async () => {
  for (const replica of [first, second]) {
    await replica?.end('SIGTERM')
    await replica?.remove()
  }
  await desk?.http.close()
  await ledger?.stop()
  await database?.drop()
})

const run = (replica: PorticoProcess, code: string, how: Trying = {}) =>
  tryOnce(
    `${replica.url}/mcp?codemode=search_and_execute`,
    ann,
    { name: 'portal_codemode_execute', arguments: { code } },
    how,
  )
const back = (tried: Tried) => ({ state: tried.state, responses: answering(tried) })

// [CODE-2]
test('what its calls ask is answered at either, round by round, and its result comes to where the client is', async () => {
  const code = 'async () => [await codemode.desk_echo({}), await codemode.desk_echo({})]'
  const one = await run(first, code)
  const two = await run(second, code, back(one))
  expect(Object.keys(two.asked)).toHaveLength(1)
  const done = await run(first, code, back(two))
  expect(JSON.parse(done.text)).toEqual([one, two].map(() => ({ action: 'accept', content: { name: 'Ann' } })))
}, 120_000)

// [CODE-2]
test('others agree while its client waits at the other one, and the call is made once', async () => {
  const code = 'codemode.ledger_post({ entry: "over there" })'
  const one = await run(first, code)
  const [{ params = {} } = {}] = Object.values(one.asked)
  const going = run(second, code, back(one))
  const ada = new Person(first.url)
  await ada.submit(await ada.open(`${first.url}/sign-in`), '/sign-in/local', { email: APPROVER, password: PASSWORD })
  await giveWord(ada, first.url + new URL(String(params.url)).pathname, 'approve')
  expect((await going).text).toContain('posted over there')
  expect(ledger.posted).toEqual(['over there'])
}, 120_000)

// [CODE-5]
test('what waited at one that is gone is told in words, and nothing is done again', async () => {
  const code = 'codemode.desk_echo({})'
  const one = await run(first, code)
  const called = desk.http.asked('tools/call').length
  await first.end('SIGKILL')
  const lost = await run(second, code, back(one))
  expect(lost.isError || lost.error !== null).toBe(true)
  expect(lost.text + (lost.error?.message ?? '')).toContain('does not wait any more')
  expect(desk.http.asked('tools/call').length).toBe(called)
}, 120_000)
