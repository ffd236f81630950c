/** A rule that has somebody agree to the third of three: asked for once it is the third, and carried out when they have. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { APPROVAL, type DemandRoom, giveWord, linkIn, openDemandRoom } from '../demand-room.ts'
import { ask2026, bearer, messageOf, type RawCaller } from '../raw-mcp.ts'

const SERVERS = '/access/ai-controls/mcp/servers'

let room: DemandRoom

beforeAll(async () => {
  room = await openDemandRoom()
  const labelled = [
    { name: 'count', labels: ['reads_private', 'reads_untrusted'] },
    { name: 'post', labels: ['sends_out'] },
  ]
  await room.api('PUT', `${SERVERS}/ledger`, { updated_tools: labelled })
  await room.guard({ ...APPROVAL, capabilities: [{ flow: { window: '1h' } }] })
})
afterAll(() => room?.close())

async function textOf(caller: RawCaller, name: string, entry?: string): Promise<string> {
  const params = { name, arguments: entry === undefined ? {} : { entry } }
  return JSON.stringify(messageOf(await ask2026(`${room.url}/mcp`, caller, 'tools/call', params)).result)
}

// [FLOW-2]
test('the third waits until somebody agrees, is carried out once, and asks again after that', async () => {
  const caller = bearer(await room.home.portal.userToken('eve@acme.test'))
  expect(await textOf(caller, 'ledger_post', 'before')).toContain('posted before')
  const read = await textOf(caller, 'ledger_count')
  expect(read).toContain('needs the approval of')

  const other = bearer(await room.home.portal.userToken('bob@acme.test'))
  expect(await textOf(other, 'ledger_count')).not.toContain('approval')
  const asked = await textOf(other, 'ledger_post', 'after')
  expect(asked).toContain('needs the approval of')
  expect(room.ledger.posted).toEqual(['before'])
  // What waits was not done: reading goes on.
  expect(await textOf(other, 'ledger_count')).not.toContain('approval')

  await giveWord(room.ada, linkIn(JSON.parse(asked).content[0].text), 'approve')
  expect(await textOf(other, 'ledger_post', 'after')).toContain('posted after')
  expect(room.ledger.posted).toEqual(['before', 'after'])
  // Now all three have come together, and each further one completes them.
  expect(await textOf(other, 'ledger_count')).toContain('needs the approval of')
  expect(await textOf(other, 'ledger_post', 'after')).toContain('needs the approval of')
  expect(room.ledger.posted).toEqual(['before', 'after'])
})
