/** Policies and the access explorer in a real browser: from a rule in the builder to a client that is refused, and from the refusal back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsEverywhere, type Page } from '../browser.ts'
import { ADA, complaintsOf, signInWithPassword } from '../page-journey.ts'
import { everythingStdio } from '../peers/servers.ts'
import { startTestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf } from '../raw-mcp.ts'
import { openRelayClient, type RelayedClient } from '../relay-clients.ts'
import { type ConsoleRoom, openConsoleRoom } from './console-room.ts'

const GRACE = 'grace@acme.test'
const WHY = `/access?user=${encodeURIComponent(GRACE)}&portal=default&name=everything_echo`

let room: ConsoleRoom
let client: RelayedClient
let token: string
beforeAll(async () => {
  room = await openConsoleRoom()
  const { portal } = room.home
  await portal.furnish([{ id: 'everything', stdio: everythingStdio() }])
  token = await portal.userToken(GRACE)
  client = await openRelayClient('SDK v2 of 2026', { url: `${portal.url}/mcp`, token })
})
afterAll(async () => {
  await client?.close()
  await room?.close()
})

async function choose(page: Page, field: string, option: string | RegExp): Promise<void> {
  await page.locator('input').and(page.getByLabel(field)).focus()
  await page.keyboard.press('ArrowDown')
  await page.getByRole('option', { name: option }).click()
}

const calls = async () => {
  const answered = await client.call('everything_echo', { message: 'hello' }).catch(() => null)
  return answered !== null && !answered.isError && answered.text.includes('hello')
}

test('a deny that is written in the builder refuses a real client, is explained, and is mended in two clicks', async () => {
  expect(await calls()).toBe(true)
  const { page, complaints } = await room.open('/policies/new')
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('No echo for Grace')
  await choose(page, 'Decision', /^Deny/)
  await page.getByRole('textbox', { name: 'Email address' }).fill(GRACE)
  await page.getByRole('button', { name: 'Narrow it to some tools' }).click()
  await choose(page, 'Servers', 'everything')
  await page.keyboard.press('Escape')
  await choose(page, 'Kinds', 'tool')
  await page.keyboard.press('Escape')
  await page.locator('input').and(page.getByLabel('Names')).fill('echo')
  await page.keyboard.press('Enter')
  const reading = page.getByRole('region', { name: 'In words' })
  await reading.getByText(`Keeps out anybody whose email is ${GRACE}.`).waitFor()
  await reading.getByText('Speaks only of the tool echo of everything.').waitFor()
  await page.keyboard.press('Escape')
  expect(await faultsEverywhere(page, 'console-policy-builder')).toEqual([])
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Nowhere yet').waitFor()
  // Attached to nothing it decides nothing.
  expect(await calls()).toBe(true)

  await choose(page, 'Portal or server', 'Portal Team tools')
  await page.getByRole('button', { name: 'Attach', exact: true }).click()
  await page.getByText('number 1 of').waitFor()
  await expect.poll(calls).toBe(false)

  await page.goto(`${room.url}/admin${WHY}`)
  const answer = page.getByRole('region', { name: 'Answer' })
  await answer.getByRole('heading', { name: 'Denied' }).waitFor()
  await answer.getByText('The policy "No echo for Grace" of the portal default says no.').waitFor()
  expect(await faultsEverywhere(page, 'console-access-denied')).toEqual([])

  // Without a tool it is all of them, by the decisions that lists are made of, each a way to its explanation.
  await page.goto(`${room.url}/admin/access?user=${encodeURIComponent(GRACE)}&portal=default`)
  const all = page.getByRole('table', { name: 'All tools' })
  const listed = await ask2026(`${room.home.portal.url}/mcp`, bearer(token), 'tools/list')
  const names = ((messageOf(listed).result?.tools ?? []) as { name: string }[]).map(({ name }) => name)
  const tools = names.filter((name) => !name.startsWith('portal_'))
  await page.getByText(`${tools.length} allowed, 0 depend on more, 1 denied.`).waitFor()
  expect(tools.length).toBeGreaterThan(5)
  expect(await faultsEverywhere(page, 'console-access-overview')).toEqual([])
  await page.getByRole('textbox', { name: 'Find by tool or policy' }).fill('no echo')
  const denied = all.getByRole('row').filter({ hasText: '“No echo for Grace” of the portal' })
  await page.getByText('1 of them are shown.').waitFor()
  await denied.getByText('Denied').waitFor()
  await denied.getByRole('link', { name: 'everything_echo' }).click()
  await answer.getByText('would have to make an exception of them in "exclude"').waitFor()

  await answer.getByRole('button', { name: `Except ${GRACE} from “No echo for Grace”` }).click()
  await reading.getByText(`but not anybody whose email is ${GRACE}`).waitFor()
  await page.getByText('With this saved, the answer would be:').waitFor()
  await page.getByRole('status').getByText('Allowed').waitFor()
  expect(await faultsEverywhere(page, 'console-policy-mended')).toEqual([])
  expect(await calls()).toBe(false)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The policy is saved.').waitFor()
  await expect.poll(calls).toBe(true)

  await page.getByRole('link', { name: 'Back to the explanation' }).click()
  await answer.getByRole('heading', { name: 'Allowed' }).waitFor()
  expect(complaints).toEqual([])
})

test('policies, groups and lists are read in words, and what is tried is told before it is saved', async () => {
  const { portal } = room.home
  const made = await portal.api<{ id: string }>('POST', '/access/groups', {
    name: 'Staff',
    include: [{ email_domain: { domain: 'acme.test' } }],
  })
  const group = made.body.result.id
  const policy = await portal.api<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'Staff with care', decision: 'allow' },
    include: [{ group: { id: group } }],
  })
  const { page, complaints } = await room.open('/policies')
  const row = page.getByRole('row').filter({ hasText: 'Staff with care' })
  await row.getByText('Lets in anybody who is in the group Staff.').waitFor()
  expect(await faultsEverywhere(page, 'console-policies')).toEqual([])
  await row.getByRole('link').focus()
  await page.keyboard.press('Enter')
  await page.waitForURL(`${room.url}/admin/policies/${policy.body.result.id}`)
  await page.getByRole('checkbox', { name: 'They must have signed in with a second factor' }).check()
  await page.getByText('They must have signed in with a one-time code, biometrics or a security key').waitFor()
  await page.getByRole('checkbox', { name: 'They must have signed in with a second factor' }).uncheck()
  await page.getByRole('button', { name: 'Whom it would let in' }).click()
  await page.getByText(/Alone, it lets in \d+ of \d+ people/).waitFor()
  await page.getByRole('table', { name: 'Whom it would let in' }).getByText(GRACE).waitFor()
  await page.getByRole('button', { name: 'Add to exclude' }).click()
  await page.getByRole('group', { name: 'Exclude' }).getByRole('textbox', { name: 'Email address' }).fill(GRACE)
  await page.getByRole('button', { name: 'Whom it would let in' }).click()
  const people = page.getByRole('table', { name: 'Whom it would let in' })
  await people.getByRole('row').filter({ hasText: GRACE }).getByText('Not let in').waitFor()
  await page.getByRole('button', { name: 'What would change' }).click()
  await page.getByText('Nothing would change, for anybody.').waitFor()
  expect(await faultsEverywhere(page, 'console-policy-tried')).toEqual([])

  // Somebody else saves the same policy: what was typed here stays, and waits for a choice.
  await portal.api('PUT', `/access/policies/${policy.body.result.id}`, {
    ...{ name: 'Staff with more care', decision: 'allow' },
    include: [{ group: { id: group } }],
  })
  const told = page.getByRole('alert').filter({ hasText: 'This was changed elsewhere meanwhile' })
  const look = async () => {
    await page.evaluate("window.dispatchEvent(new Event('visibilitychange'))")
    return told.isVisible()
  }
  await expect.poll(look).toBe(true)
  const name = page.getByRole('textbox', { name: 'Name', exact: true })
  expect(await name.inputValue()).toBe('Staff with care')
  expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
  await told.getByRole('button', { name: 'Keep what I typed' }).click()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The policy is saved.').waitFor()
  await page.getByRole('heading', { level: 1, name: 'Staff with care' }).waitFor()
  expect(await told.count()).toBe(0)
  await name.fill('Not for long')
  await portal.api('PUT', `/access/policies/${policy.body.result.id}`, {
    ...{ name: 'Staff with most care', decision: 'allow' },
    include: [{ group: { id: group } }],
  })
  await expect.poll(look).toBe(true)
  await told.getByRole('button', { name: 'Show what is there now' }).click()
  expect(await name.inputValue()).toBe('Staff with most care')

  await page.goto(`${room.url}/admin/policies?tab=groups`)
  await page.getByRole('row').filter({ hasText: 'Anybody whose email ends in @acme.test.' }).waitFor()
  expect(await faultsEverywhere(page, 'console-groups')).toEqual([])
  await page.goto(`${room.url}/admin/groups/${group}`)
  await page.getByRole('link', { name: 'Staff with most care' }).waitFor()
  expect(await faultsEverywhere(page, 'console-group')).toEqual([])

  await page.goto(`${room.url}/admin/lists/new`)
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Partners')
  await page.getByRole('textbox', { name: 'Entries' }).fill('bo@partner.test\nnobody')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByRole('textbox', { name: 'Entries' }).fill('bo@partner.test\ncy@partner.test')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { level: 1, name: 'Partners' }).waitFor()
  expect(await faultsEverywhere(page, 'console-list')).toEqual([])
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Delete the list' }).click()
  await page.getByText('No lists yet').waitFor()
  expect(complaints).toEqual([])
})

test('a policy of a portal’s own is come to from an explanation, is moved by keyboard, and is let others use', async () => {
  const { portal } = room.home
  const apps = await portal.api<{ id: string }[]>('GET', '/access/apps?domain=localhost')
  const path = `/access/apps/${apps.body.result[0]?.id}/policies`
  await portal.api('POST', path, {
    ...{ name: 'Only here', decision: 'deny', include: [{ email: { email: GRACE } }], precedence: 1 },
    ...{ capabilities: [{ servers: ['everything'], names: ['echo'] }], connection_rules: { rdp: {} } },
  })
  expect(await calls()).toBe(false)
  const { page, complaints } = await room.open(WHY)
  await page.getByRole('link', { name: 'Only here' }).click()
  await page.getByRole('heading', { level: 1, name: 'Only here' }).waitFor()
  expect(page.url()).toContain(`/admin${path.replace('/access', '')}`)
  await page.getByText('It belongs to this portal or server alone').waitFor()
  // What decides nothing says so.
  await page.getByText('decide nothing in this portal').waitFor()
  expect(await page.getByRole('button', { name: 'Detach' }).count()).toBe(0)

  await page.getByRole('button', { name: 'Order of the policies of Portal Team tools' }).click()
  const order = page.getByRole('table', { name: 'Order of the policies of Portal Team tools' })
  await order.getByRole('button', { name: 'Move Only here down' }).focus()
  const { length } = await order.getByRole('button', { name: /down$/ }).all()
  expect(length).toBeGreaterThan(2)
  for (let at = 2; at <= length; at++) {
    await page.keyboard.press('Enter')
    await page.getByText(`“Only here” is number ${at} of ${length} now.`).waitFor()
    // The focus stays with the policy, and turns round at the end.
    const next = `Move Only here ${at < length ? 'down' : 'up'}`
    await expect.poll(() => page.locator(':focus').getAttribute('aria-label')).toBe(next)
  }
  await expect.poll(calls).toBe(true)
  expect(await faultsEverywhere(page, 'console-policy-own')).toEqual([])

  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Once only here')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { level: 1, name: 'Once only here' }).waitFor()
  await page.getByRole('button', { name: 'Let others use it too' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Let others use it too' }).click()
  await page.waitForURL(/\/admin\/policies\/[^/]+$/)
  await page.getByRole('button', { name: 'Detach from Portal Team tools' }).waitFor()
  expect(complaints).toEqual([])
})

test('what the API refuses of a policy is said beside the form, and what was typed stays', async () => {
  const { page, complaints } = await room.open('/policies/new')
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Odd')
  await page.getByRole('textbox', { name: 'Email address' }).fill('no address')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('alert').getByText('include.0').waitFor()
  expect(await page.getByRole('textbox', { name: 'Email address' }).inputValue()).toBe('no address')
  expect(complaints).toEqual([])
})

test('an auditor reads policies and explanations, and changes nothing', async () => {
  const { portal } = room.home
  const { body } = await portal.api<{ id: string; name: string }[]>('GET', '/access/policies')
  const { page, complaints } = await room.openAs('auditor', `/policies/${body.result[0]?.id}`)
  await page.getByText('Your role may look at this and not change it').waitFor()
  for (const name of ['Save', 'Delete', 'Attach', 'Detach']) {
    expect([name, await page.getByRole('button', { name, exact: true }).count()]).toEqual([name, 0])
  }
  expect(await page.getByRole('textbox', { name: 'Name', exact: true }).isDisabled()).toBe(true)
  await page.goto(`${room.url}/admin${WHY}`)
  await page.getByRole('region', { name: 'Answer' }).waitFor()
  expect(complaints).toEqual([])
})

test('a policy of the configuration file says where it can be changed, and cannot be changed here', async () => {
  const staff = { id: 'staff', name: 'Staff', decision: 'allow' as const, include: [{ everyone: {} }] }
  const portal = await startTestPortal({
    config: { bootstrap: ADA, declared: { portals: [], servers: [], policies: [staff] } },
  })
  try {
    const page = await room.browser.visitor({ width: 1280 })
    const complaints = complaintsOf(page)
    await page.goto(`${portal.url}/admin/policies/staff`)
    await signInWithPassword(page, ADA)
    await page.getByText('It can be changed there, and nowhere else.').waitFor()
    await page.getByText('Managed by the config file').waitFor()
    expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0)
    expect(complaints).toEqual([])
  } finally {
    await portal.close()
  }
})
