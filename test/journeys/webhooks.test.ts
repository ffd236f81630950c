/** `portico webhooks` against a running portal, and a receiver that verifies as the guide says. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { type Received, type Receiver, startReceiver } from '../webhook-room.ts'

type Verify = (secret: string, headers: Received['headers'], body: string) => boolean

let portal: TestPortal
let receiver: Receiver
let isFromPortico: Verify
beforeAll(async () => {
  portal = await startTestPortal()
  receiver = await startReceiver()
  const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/webhooks.md'), 'utf8')
  const [, code = ''] = /```js\n([\s\S]*?)\n```/.exec(guide) ?? []
  const file = join(portal.data, 'verify.mjs')
  writeFileSync(file, code)
  const module: { isFromPortico: Verify } = await import(pathToFileURL(file).href)
  isFromPortico = module.isFromPortico
})
afterAll(async () => {
  await portal?.close()
  await receiver?.close()
})

async function portico(...words: string[]) {
  let [out, err] = ['', '']
  const env = { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken }
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const code = await run({ argv: ['webhooks', ...words], env, cwd: portal.data, stdout, stderr })
  return { code, out, err }
}

async function added(at: Receiver): Promise<{ id: string; secret: string }> {
  const { code, out, err } = await portico('add', 'On call', at.url, '--allow-private', at.place)
  expect({ code, err }).toEqual({ code: 0, err: 'The secret is shown this once.\n' })
  const [, id = '', secret = ''] = /^id: (\S+)\nsecret: (\S+)\n$/.exec(out) ?? []
  return { id, secret }
}

// [NOTICE-1]
test('a receiver that verifies as the guide says takes what the portal sent, and nothing else', async () => {
  const { id, secret } = await added(receiver)
  expect(await portico('test', id)).toMatchObject({ code: 0, out: 'delivered 204\n' })
  const got = receiver.received.at(-1)
  if (got === undefined) throw new Error('nothing came')
  const { headers, body } = got
  expect(isFromPortico(secret, headers, body)).toBe(true)
  expect(isFromPortico(secret, headers, body.replace('webhook.test', 'webhook.best'))).toBe(false)
  expect(isFromPortico(secret, { ...headers, 'webhook-id': 'other' }, body)).toBe(false)
  const later = String(Number(headers['webhook-timestamp']) + 1)
  expect(isFromPortico(secret, { ...headers, 'webhook-timestamp': later }, body)).toBe(false)
  expect(isFromPortico(secret, { ...headers, 'webhook-timestamp': 'soon' }, body)).toBe(false)
  expect(isFromPortico(`whsec_${Buffer.alloc(32).toString('base64')}`, headers, body)).toBe(false)
  expect(isFromPortico(secret, {}, body)).toBe(false)

  const rotated = await portico('rotate', id)
  const [, fresh = ''] = /\nsecret: (\S+)\n/.exec(rotated.out) ?? []
  await portico('test', id)
  const next = receiver.received.at(-1)
  expect([secret, fresh].map((one) => isFromPortico(one, next?.headers ?? {}, next?.body ?? ''))).toEqual([true, true])
})

test('a webhook is listed, shown with its deliveries, and removed, without its secret', async () => {
  const { id, secret } = await added(receiver)
  await portico('test', id)
  const said = [await portico('list'), await portico('show', id), await portico('deliveries', id)]
  expect(said.map(({ code }) => code)).toEqual([0, 0, 0])
  expect(said[0]?.out).toContain(`${id}  On call  yes  0        all     ${receiver.url}\n`)
  expect(said[1]?.out).toContain(`inside     ${receiver.place}\n`)
  expect(said[2]?.out).toMatch(/webhook\.test {2}delivered {2}1 {6}204 {3}-\n/)
  expect(JSON.stringify(said)).not.toContain(secret)
  expect(await portico('remove', id)).toMatchObject({ code: 0, out: `Removed ${id}.\n` })
  expect(await portico('remove', id)).toMatchObject({ code: 1 })
})

test('a test that does not arrive says why', async () => {
  const closed = await startReceiver(500)
  const { id } = await added(closed)
  expect(await portico('test', id)).toMatchObject({
    ...{ code: 1, out: 'given_up 500 status\n' },
    err: 'It was not delivered: the answer was not 2xx; a redirect is not followed (500).\n',
  })
  await closed.close()
  expect((await portico('test', id)).err).toBe(
    'It was not delivered: nobody answers there, or the portal may not go there.\n',
  )
})
