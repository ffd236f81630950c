/** Whatever happens to connections, in whatever order and at once: the header that a call carries is of the owner that was asked for. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type KeeperRoom, openKeeperRoom, SEALER } from '../../../test/support/keeper-room.ts'
import { Fault } from '../../base/fault.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { Trouble } from '../trouble.ts'
import { deleteConnections, ownerOfUser } from './connection-store.ts'
import type { Owner } from './model.ts'
import type { KeptServer } from './resolve.ts'

const PEOPLE = ['ada', 'bob', 'cy'] as const
const who = fc.constantFrom(0, 1, 2, 3)

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('call' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reconnect' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('disconnect' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('later' as const), who }) },
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

interface Scene {
  room: KeeperRoom
  setup: KeptServer
  people: readonly UserPrincipal[]
  /** Whose each token is that was ever given, dead ones too. */
  given: Map<string, string>
  sent: { asked: Owner; got: string | undefined }[]
}

// [C8] [C11]
test('a header is always of the owner that was asked for, and of nobody else', async () => {
  const room = await openKeeperRoom('sqlite')
  try {
    const setup = await room.add('ledger', 'browser')
    const people = await Promise.all(PEOPLE.map((name) => room.person(name)))
    const scene: Scene = { room, setup, people, given: room.server.everGiven, sent: [] }
    const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(batches, async (all) => {
        for (const batch of all) await Promise.all(batch.map((one) => play(scene, one)))
      }),
      { numRuns: 40 },
    )
    for (const { asked, got } of scene.sent) expect(got).toBe(asked)
    expect(scene.sent.length).toBeGreaterThan(50)
  } finally {
    await room.end()
  }
})

async function play({ room, setup, people, given, sent }: Scene, { kind, who }: Step): Promise<void> {
  const person = people[who]
  const owner: Owner = person === undefined ? 'admin' : ownerOfUser(person.id)
  switch (kind) {
    case 'call':
      try {
        const credential = await room.keeper.resolve(setup, person ?? people[0] ?? null, person !== undefined)
        const [, header] = credential.headers
        // What was ended in this very moment sends nothing.
        if (header !== undefined) sent.push({ asked: owner, got: given.get(header) })
      } catch (error) {
        if (!(error instanceof Trouble) && !(error instanceof Fault)) throw error
      }
      return
    case 'reconnect':
      await room.connect(setup, owner)
      return
    case 'disconnect':
      await room.store.write((trx) => deleteConnections(room.store, trx, SEALER, { server: setup.record.uid, owner }))
      return
    case 'revoke':
      return room.server.revokeGrant(owner)
    case 'later':
      return room.clock.move(50 * 60_000)
  }
}
