/** Whose word counts where a person and a model both switch. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import type { ServerId, ServerUid } from '../base/ids.ts'
import { keyRing, openSealer } from '../base/secret.ts'
import { insertServer, type NewServer } from '../upstream/server-store.ts'
import type { SetBy } from './session-store.ts'
import { openToggles, type Toggles } from './toggles.ts'

const OWNER = 'grant:g1'
const sealer = openSealer(keyRing([randomBytes(32)]), 'store')
const SERVER: NewServer = {
  identity: { id: 's' as ServerId, hostname: 'http://127.0.0.1:9/mcp', authType: 'unauthenticated', transport: null },
  content: {
    name: 'S',
    description: null,
    isolation: 'per_credential',
    definitions: 'hold_changed',
    instructions: 'off',
    allowPrivate: [],
    deadlines: null,
    updatedTools: null,
    updatedPrompts: null,
    policies: null,
    identityWish: null,
    sharedOauthCallback: false,
    secureWebGateway: false,
  },
  secrets: { authCredentials: null, clientSecret: null, env: {} },
  authenticationStatus: 'not_required',
}

for (const kind of DATABASE_KINDS) {
  describe(`switches on ${kind}`, () => {
    let database: TestStore
    let toggles: Toggles
    let server: ServerUid

    beforeAll(async () => {
      database = await freshStore(kind)
      const { store } = database
      const author = { label: 'test', origin: 'api' as const }
      server = await store.write((trx) => insertServer(store, trx, SERVER, { author, sealer }))
    })
    afterAll(() => database.end())
    beforeEach(async () => {
      await database.store.db.deleteFrom('toggles').execute()
      toggles = openToggles(database.store)
    })

    const set = (by: SetBy, on: boolean) => toggles.set(OWNER, new Map([[server, on]]), by)
    const isOn = async () => !(await toggles.load(OWNER)).has(server)

    test.each<{ when: string; steps: [SetBy, boolean][]; then: [SetBy, boolean]; isSet: boolean; on: boolean }>([
      { when: 'what a model switched off', steps: [['model', false]], then: ['model', true], isSet: true, on: true },
      {
        when: 'what a person switched off',
        steps: [['person', false]],
        then: ['model', true],
        isSet: false,
        on: false,
      },
      { when: 'what a person switched off', steps: [['person', false]], then: ['person', true], isSet: true, on: true },
      {
        when: 'what a person switched off, and a model said so once more',
        steps: [
          ['person', false],
          ['model', false],
        ],
        then: ['model', true],
        isSet: false,
        on: false,
      },
      {
        when: 'what a model switched off, and then a person',
        steps: [
          ['model', false],
          ['person', false],
        ],
        then: ['model', true],
        isSet: false,
        on: false,
      },
      { when: 'what a person switched on', steps: [['person', true]], then: ['model', false], isSet: true, on: false },
      {
        when: 'what a person switched on again, and a model off',
        steps: [
          ['person', false],
          ['person', true],
          ['model', false],
        ],
        then: ['model', true],
        isSet: true,
        on: true,
      },
    ])('whose word counts over $when: $then', async ({ steps, then: [by, wanted], isSet, on }) => {
      for (const [who, enabled] of steps) await set(who, enabled)
      expect((await set(by, wanted)).length).toBe(isSet ? 1 : 0)
      expect(await isOn()).toBe(on)
    })
  })
}
