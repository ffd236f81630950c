import { expect, test } from 'vitest'
import { freshStore } from '../../test/databases.ts'
import type { ServerId } from '../base/ids.ts'
import { keyRing, openSealer } from '../base/secret.ts'
import { DEFAULT_RELAY, type Relay } from './model.ts'
import { insertServer, readServer, type ServerContent, updateServer } from './server-store.ts'
import { setupOf } from './setup.ts'

const sealer = openSealer(keyRing([Buffer.alloc(32, 7)]), 'store')
const author = { label: 'test', origin: 'api' as const }
const CONTENT: ServerContent = {
  ...{ name: 'S', description: null, isolation: 'per_credential', definitions: 'hold_changed', instructions: 'off' },
  ...{ allowPrivate: [], deadlines: null, updatedTools: null, updatedPrompts: null, policies: [] },
  ...{ identityWish: null, sharedOauthCallback: false, secureWebGateway: false },
}

test('which questions reach people is decided by the call: another word on it leaves open connections alone', async () => {
  const at = await freshStore('sqlite')
  const { store } = at
  const uid = await store.write((trx) =>
    insertServer(
      store,
      trx,
      {
        identity: { id: 's' as ServerId, hostname: 'https://s.test', authType: 'unauthenticated', transport: null },
        ...{ content: CONTENT, secrets: { authCredentials: null, clientSecret: null, env: {} } },
        authenticationStatus: 'not_required',
      },
      { author, sealer },
    ),
  )
  const write = (content: ServerContent) =>
    store.write((trx) => updateServer(store, trx, uid, { change: { content, secrets: {} }, author, sealer }))
  const setup = async () => {
    const server = await readServer(store.db, 's')
    if (server === undefined) throw new Error('not there')
    return setupOf({ store, sealer, watch: { ticksOf: () => ({ idle: 1, total: 1 }) as never } }, server)
  }
  const before = await setup()
  expect(before.record.relay).toEqual(DEFAULT_RELAY)
  const relay: Relay = { elicitation: false, sampling: true, samplingMaxTokens: 9, roots: false, answerSeconds: 60 }
  await write({ ...CONTENT, relay })
  const after = await setup()
  expect(after.record.relay).toEqual(relay)
  expect(after.signature).toBe(before.signature)
  // That a signature can change at all.
  await write({ ...CONTENT, relay, isolation: 'per_user' })
  expect((await setup()).signature).not.toBe(before.signature)
  await at.end()
})
