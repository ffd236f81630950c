/** Calls that wait are decided in the console: a real client's call goes on by it, or is turned down, and who is not concerned reads nothing of it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApprovalDetail, ApprovalShown } from '../../src/contract/approval.ts'
import { type OpenClient, openAskedClient } from '../asked-clients.ts'
import { faultsEverywhere, openBrowser, type Page, type TestBrowser } from '../browser.ts'
import { APPROVAL, ASKER, type DemandRoom, openDemandRoom } from '../demand-room.ts'
import { ADA, complaintsOf, signInWithPassword } from '../page-journey.ts'

let room: DemandRoom
let browser: TestBrowser
let client: OpenClient
beforeAll(async () => {
  ;[room, browser] = await Promise.all([
    openDemandRoom({ limits: { connect_turn: 10_000, connect_wait: 120_000 } }),
    openBrowser(),
  ])
  await room.guard(APPROVAL)
  client = await openAskedClient('SDK v2 of 2026', {
    ...{ url: `${room.url}/mcp`, token: await room.home.portal.userToken(ASKER) },
    answer: () => 'accept',
  })
})
afterAll(async () => {
  await client?.close()
  await browser?.close()
  await room?.close()
})

async function open(path: string, who = ADA): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.visitor({ width: 1280 })
  const complaints = complaintsOf(page)
  await page.goto(`${room.url}/admin${path}`)
  await signInWithPassword(page, who)
  await page.getByRole('heading', { level: 1, name: 'Approvals' }).waitFor()
  return { page, complaints }
}

const waiting = (page: Page) => page.getByRole('row').filter({ hasText: 'Waiting' })

test('a call that waits appears by itself, is read and approved, and the client’s call goes on', async () => {
  const { page, complaints } = await open('/approvals')
  await page.getByText('Nothing waits for a decision').waitFor()
  expect(await faultsEverywhere(page, 'console-approvals-none')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })

  const called = client.call('ledger_post', { entry: 'pay <b>Bob</b>' })
  await waiting(page).waitFor()
  expect(await faultsEverywhere(page, 'console-approvals')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })
  await waiting(page).getByRole('link').press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Request for approval' })
  await dialog.getByText('You may decide').waitFor()
  // As text, however it looks.
  await dialog.getByText('"entry": "pay <b>Bob</b>"').waitFor()
  await dialog.getByText(ASKER).first().waitFor()
  expect(await faultsEverywhere(page, 'console-approval')).toEqual([])
  await page.setViewportSize({ width: 1280, height: 900 })
  expect(room.ledger.posted).toEqual([])

  await dialog.getByRole('button', { name: 'Approve' }).click()
  const sure = page.getByRole('dialog', { name: 'Approve this call?' })
  await sure.getByText(`post is called once for ${ASKER}`).waitFor()
  await sure.getByLabel('Why?').fill('as agreed with <i>Bob</i>')
  expect(await faultsEverywhere(page, 'console-approval-sure')).toEqual([])
  await sure.getByRole('button', { name: 'Approve' }).click()
  expect(await called).toMatchObject({ isError: false, text: 'posted pay <b>Bob</b>' })
  expect(room.ledger.posted).toEqual(['pay <b>Bob</b>'])
  await dialog.getByText('Approved, and made').waitFor()
  await dialog.getByText(`${ADA.email} agreed: “as agreed with <i>Bob</i>”`).waitFor()
  expect(complaints).toEqual([])
})

test('a call that is turned down is not made, and its client is told', async () => {
  const called = client.call('ledger_post', { entry: 'no' })
  const { page, complaints } = await open('/approvals?state=open')
  await waiting(page).click()
  // What is open stands in the address.
  await page.waitForURL(/[?&]id=/)
  await page.reload()
  const dialog = page.getByRole('dialog', { name: 'Request for approval' })
  await dialog.getByRole('button', { name: 'Turn down' }).click()
  const sure = page.getByRole('dialog', { name: 'Turn this call down?' })
  await sure.getByLabel('Why?').fill('never on a Sunday')
  await sure.getByRole('button', { name: 'Turn down' }).click()
  expect(await called).toMatchObject({
    ...{ isError: true, text: expect.stringContaining('turned it down. They gave this reason: "never on a Sunday".') },
  })
  expect(room.ledger.posted).not.toContain('no')
  await dialog.getByText('Turned down').first().waitFor()
  await dialog.getByText(`${ADA.email} turned it down: “never on a Sunday”`).waitFor()
  expect(complaints).toEqual([])
})

test('who is neither named nor asked for it learns that there is a request, not what it is called with, and decides nothing', async () => {
  const called = client.call('ledger_post', { entry: 'between us' })
  await expect
    .poll(() => room.api<ApprovalShown[]>('GET', '/access/approvals?state=open'), { timeout: 30_000 })
    .toHaveLength(1)
  const [one] = await room.api<ApprovalShown[]>('GET', '/access/approvals?state=open')
  const id = one?.id ?? ''
  const byToken = await room.api<ApprovalDetail>('GET', `/access/approvals/${id}`)
  expect(byToken).toMatchObject({ id, state: 'open', standing: 'nobody', policy_name: 'Payments', about: null })
  expect(JSON.stringify(byToken)).not.toContain('between us')
  expect((await room.home.portal.api('GET', '/access/approvals/nothing')).status).toBe(404)

  const who = { email: 'eve@acme.test', password: ADA.password }
  await room.api('POST', '/access/roles', { role: 'admin', email: who.email })
  const { url } = await room.api<{ url: string }>('POST', '/admin/links', { purpose: 'password', email: who.email })
  const setting = await browser.visitor()
  await setting.goto(url)
  await setting.getByLabel('Password, at least 12').fill(who.password)
  await setting.getByRole('button', { name: 'Set the password' }).click()
  await setting.getByRole('heading', { name: 'Your password is set' }).waitFor()
  const { page, complaints } = await open(`/approvals?id=${id}`, who)
  const dialog = page.getByRole('dialog', { name: 'Request for approval' })
  await dialog.getByText('The policy does not name you').waitFor()
  await dialog.getByText('and to nobody else').waitFor()
  expect(await dialog.innerText()).not.toContain('between us')
  expect(await dialog.getByRole('button', { name: /Approve|Turn down/ }).count()).toBe(0)
  expect(await faultsEverywhere(page, 'console-approval-foreign')).toEqual([])

  const own = { cookie: room.ada.cookies(room.url), 'x-portico-request': '1', 'sec-fetch-site': 'same-origin' }
  const path = `${room.url}/client/v4/accounts/default/access/approvals/${id}`
  const asAda = await fetch(path, { headers: own })
  expect(await asAda.json()).toMatchObject({
    result: { standing: 'approver', about: { sent: expect.stringContaining('between us') } },
  })
  await fetch(`${path}/reject`, { method: 'POST', headers: { ...own, origin: room.url } })
  expect(await called).toMatchObject({ isError: true })
  expect(complaints).toEqual([])
})
