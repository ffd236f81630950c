/** A call for which a policy wants a newer or stronger sign-in: the person signs in again at their provider, and the call goes on. Access that ends at a time. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { ASKED_CLIENTS, type OpenClient, openAskedClient } from '../asked-clients.ts'
import { faultsEverywhere, openBrowser } from '../browser.ts'
import { type DemandRoom, GUARDED, linkIn, openDemandRoom, try2026 } from '../demand-room.ts'
import { beforeItIsOver } from '../enough-time.ts'
import { registerClient } from '../oauth-client.ts'
import { Person } from '../person.ts'
import { ask2026, bearer, messageOf, type RawCaller } from '../raw-mcp.ts'

const MCP = '/access/ai-controls/mcp'
const OTP = { step_up: { auth_method: ['otp', 'hwk'] } }

let room: DemandRoom
let grace: Person
let token: string
let caller: RawCaller
const open: OpenClient[] = []

beforeAll(async () => {
  room = await openDemandRoom({ limits: { connect_turn: 10_000, connect_wait: 60_000 } })
})
afterAll(() => room?.close())
beforeEach(async () => {
  await provides({ amr: ['pwd'] })
  grace = new Person(room.url, room.home.provider.issuer)
  token = await letIn(grace)
  caller = bearer(token)
})
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
})

/** What the provider says of somebody at their next sign-in. */
const provides = (said: Record<string, unknown>, user = 'grace') =>
  room.home.provider.account(user, {
    claims: { sub: user, email: `${user}@acme.test`, email_verified: true, name: user },
    token: said,
  })

/** A client of theirs that is let in by a real sign-in. @returns its access token */
async function letIn(person: Person, user = 'grace'): Promise<string> {
  const { providerId } = room.home
  const client = await registerClient(room.url)
  const { url, challenge } = client.authorizeUrl()
  const asked = await person.submit(await person.open(url), `/sign-in/to/${providerId}`)
  const consent = await person.open(`${asked.url}?user=${user}`)
  const { left } = await person.submit(consent, new URL(consent.url).pathname, { decision: 'allow' })
  return (await client.exchange(left?.searchParams.get('code') ?? '', challenge)).body.access_token
}

/** On the page that a client was given. @returns what stands there when they are back */
async function signInAgain(link: string, person = grace, user = 'grace'): Promise<string> {
  const page = await person.open(link)
  expect(page.text).toContain('A policy wants the user to have signed in')
  const choice = await person.open(`${room.url}/sign-in?return_to=${encodeURIComponent(new URL(link).pathname)}`)
  const asked = await person.submit(choice, `/sign-in/to/${room.home.providerId}`)
  // However lately they signed in there, they are asked.
  expect(asked.url).toContain('/interaction/')
  return (await person.open(`${asked.url}?user=${user}`)).text
}

const call = (entry: string) => ({ name: 'ledger_post', arguments: { entry } })
const posted = (entry: string) => room.ledger.posted.filter((one) => one === entry).length

// [STEPUP-1]
test.each(ASKED_CLIENTS)(
  '%s: waits while its person signs in with a second factor, and then the call is made',
  async (which) => {
    await room.guard(OTP)
    const done: Promise<string>[] = []
    const client = await openAskedClient(which, {
      ...{ url: `${room.url}/mcp`, token },
      answer({ url = '' }) {
        if (done.length === 0) done.push(provides({ amr: ['pwd', 'otp'] }).then(() => signInAgain(url)))
        return 'accept'
      },
    })
    open.push(client)
    const entry = `with ${which}`
    expect(await client.call('ledger_post', { entry })).toMatchObject({ isError: false, text: `posted ${entry}` })
    expect(await Promise.all(done)).toEqual([expect.stringContaining('good enough')])
    expect(client.asked[0]?.message).toContain('signed in with otp or hwk')
    expect(posted(entry)).toBe(1)
  },
)

// [STEPUP-1]
test('who cannot be asked gets a link to their own page, and passes once they signed in', async () => {
  await room.guard(OTP)
  const refused = await try2026(room.url, caller, call('unasked'), { elicitation: null })
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('sign in there') })
  expect((await room.rows('method=tools/call'))[0]).toMatchObject({ outcome: 'refused', error: 'step-up' })
  expect(posted('unasked')).toBe(0)
  const link = linkIn(refused.text)
  expect((await room.ada.open(link)).status).toBe(404)
  expect(await faultsAsSeenBy(grace, link)).toEqual([])
  await provides({ amr: ['hwk'] })
  expect(await signInAgain(link)).toContain('good enough')
  expect((await try2026(room.url, caller, call('unasked'), { elicitation: null })).isError).toBe(false)
  expect(posted('unasked')).toBe(1)
})

async function faultsAsSeenBy(person: Person, link: string): Promise<string[]> {
  const browser = await openBrowser()
  try {
    const page = await browser.visitor()
    const cookies = person
      .cookies(link)
      .split('; ')
      .map((pair) => pair.split('='))
    await page.context().addCookies(cookies.map(([name = '', value = '']) => ({ name, value, url: room.url })))
    await page.goto(link)
    await page.getByRole('heading', { name: 'Sign in again' }).waitFor()
    return await faultsEverywhere(page, 'step-up')
  } finally {
    await browser.close()
  }
}

// [STEPUP-2]
test('a provider that never says it ends the call after two sign-ins, with the reason', async () => {
  await room.guard(OTP)
  let asked = await try2026(room.url, caller, call('in vain'))
  let signIns = 0
  while (asked.kind !== null) {
    if (++signIns > 4) throw new Error('it goes in circles')
    expect(await signInAgain(asked.url ?? '')).toContain('that was not enough')
    const back = { requestState: asked.state, inputResponses: { [asked.kind]: { action: 'accept' } } }
    asked = await try2026(room.url, caller, call('in vain'), back)
  }
  expect(signIns).toBe(2)
  expect(asked).toMatchObject({ isError: true, text: expect.stringContaining('did not say otp or hwk') })
  expect(posted('in vain')).toBe(0)
})

// [STEPUP-1]
test.each([
  ['says was long ago', 'hank', () => ({ auth_time: Math.floor(Date.now() / 1000) - 3600 })],
  ['says nothing of', 'ida', () => ({})],
] as const)('a sign-in whose time the provider %s is asked for anew, and a new one counts', async (_, user, said) => {
  await provides(said(), user)
  const person = new Person(room.url, room.home.provider.issuer)
  const shown = bearer(await letIn(person, user))
  await room.guard({ step_up: { max_age: '15m' } })
  const refused = await try2026(room.url, shown, call(user), { elicitation: null })
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('within the last 15 minutes') })
  await provides({}, user)
  expect(await signInAgain(linkIn(refused.text), person, user)).toContain('good enough')
  expect((await try2026(room.url, shown, call(user), { elicitation: null })).isError).toBe(false)
  expect(posted(user)).toBe(1)
})

// [STEPUP-2]
test('a token that an admin made, behind which there is no sign-in, is told so', async () => {
  await room.guard(OTP)
  const made = bearer(await room.home.portal.userToken('grace@acme.test'))
  const refused = await try2026(room.url, made, call('minted'))
  expect(refused).toMatchObject({
    kind: null,
    isError: true,
    text: expect.stringContaining('made by an administrator'),
  })
  expect(posted('minted')).toBe(0)
})

// [TEMPORARY-1]
test('access until a time is there before and gone after, in the list and in calls', async () => {
  const until = (at: number) => ({ valid_until: new Date(at).toISOString(), capabilities: GUARDED })
  const lists = async () => {
    const { result } = messageOf(await ask2026(`${room.url}/mcp`, caller, 'tools/list')) as {
      result: { tools: { name: string }[] }
    }
    return result.tools.some(({ name }) => name === 'ledger_post')
  }
  const { id, ends } = await beforeItIsOver(6, async (ends) => {
    const id = await room.guard(until(ends))
    await room.api('PUT', `${MCP}/servers/ledger`, { policies: [id] })
    expect(await lists()).toBe(true)
    expect((await try2026(room.url, caller, call(`before ${ends}`))).isError).toBe(false)
    return { id, ends }
  })
  while (await lists()) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(Date.now()).toBeGreaterThanOrEqual(ends)
  expect(await try2026(room.url, caller, call('too late'))).toMatchObject({ error: { code: -32602 } })
  expect([posted(`before ${ends}`), posted('too late')]).toEqual([1, 0])
  await room.change(id, until(Date.now() + 3_600_000))
  expect(await lists()).toBe(true)
})
