/** What a session of a client that says megabytes of itself costs: a caller may begin as many as it likes. */
import { expect, test } from 'vitest'
import { freshStore } from '../../test/databases.ts'
import type { GrantId, PortalUid, UserId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import type { UserPrincipal } from '../base/principal.ts'
import { keyRing, openSealer } from '../base/secret.ts'
import type { ClientFacts } from '../protocol/model.ts'
import { openSessions } from './sessions.ts'

const sealer = openSealer(keyRing([Buffer.alloc(32, 7)]), 'session')
const eve: UserPrincipal = {
  kind: 'user',
  id: 'eve' as UserId,
  email: 'eve@acme.test',
  label: 'eve',
  grant: 'g' as GrantId,
  identity: null,
}

test('of a client that says megabytes of itself, neither memory nor the session id keeps them', async () => {
  const { store, end } = await freshStore('sqlite')
  const sessions = openSessions({ store, sealer, clock: store.clock, log: silentLog, most: 100 })
  const long = 'é'.repeat(500_000)
  const client: ClientFacts = {
    ...{ era: '2025', version: '2025-06-18', name: long, clientVersion: long },
    capabilities: { roots: {}, experimental: { long } },
  }
  const { session, sealed } = sessions.start(eve, 'p' as PortalUid, client)
  expect(JSON.stringify(session).length).toBeLessThan(2000)
  expect(session.client.name).toMatch(/^é+…$/)
  expect(sealed.length).toBeLessThan(4000)
  expect(await sessions.find(sealed, eve, 'p' as PortalUid)).toBe(session)
  await end()
})
