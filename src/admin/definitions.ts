/** `/access/ai-controls/mcp/servers/{id}/definitions`: what a server lists, what of it is held, and an admin's word on it. */
import type { DefinitionChoices, DefinitionDecided, DefinitionQuery, DefinitionShown } from '../contract/definitions.ts'
import type { Db } from '../store/open.ts'
import { decideDefinitions, type Obstacle, readCandidates } from '../upstream/decide-definitions.ts'
import { breathe, pinKey, readHolds, readPins } from '../upstream/pin-store.ts'
import { readServer, type StoredServer } from '../upstream/server-store.ts'
import { pageOf } from './paging.ts'
import { conflict, notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { showDefinition } from './show-definition.ts'

export async function listDefinitions({ deps, id, query }: Call<unknown, DefinitionQuery>): Promise<Outcome> {
  const { db } = deps.store
  const server = await existing(db, id)
  const all = await readCandidates(db, server.uid)
  const wanted = all.filter(
    ({ kind, state, definition: { name } }) =>
      (query.kind ?? kind) === kind && (query.state ?? state) === state && (query.name ?? name) === name,
  )
  const page = pageOf(wanted, query, ({ definition }) => [definition.name])
  const keys = page.items.map(({ kind, definition }) => pinKey(kind, definition.name))
  const [pins, holds] = [await readPins(db, server.uid, keys), await readHolds(db, server.uid)]
  const beside = deps.namesBeside(server.uid)
  const result: DefinitionShown[] = []
  for (const candidate of page.items) {
    // Each may be 64 KiB, and is searched: others must not wait for all of them.
    await breathe()
    const key = pinKey(candidate.kind, candidate.definition.name)
    result.push(showDefinition(candidate, { server: server.id, pin: pins.get(key), hold: holds.get(key), beside }))
  }
  return { result, info: page.info }
}

export function approveDefinitions(call: Call<DefinitionChoices>): Promise<Outcome> {
  return decide(call, 'approve')
}

export function rejectDefinitions(call: Call<DefinitionChoices>): Promise<Outcome> {
  return decide(call, 'reject')
}

async function decide(
  { deps, id, body, operator }: Call<DefinitionChoices>,
  verdict: 'approve' | 'reject',
): Promise<Outcome> {
  const { store } = deps
  await store.write(async (trx) => {
    const server = await existing(trx, id)
    const decision = { verdict, choices: body, by: operator.name }
    const obstacles = await decideDefinitions(store, trx, server.uid, decision)
    if (obstacles.length > 0) throw conflict(obstacles.slice(0, 20).map(sentence).join(' '))
  })
  const state = verdict === 'approve' ? 'approved' : 'rejected'
  const result: DefinitionDecided[] = body.map((choice) => ({ ...choice, state }))
  return { result, change: { object: 'server', id, fields: [verdict, ...namesOf(body)] } }
}

function sentence({ choice, problem }: Obstacle): string {
  const name = `The ${choice.kind} ${JSON.stringify(choice.name.slice(0, 128))}`
  switch (problem) {
    case 'gone':
      return `${name} is not listed by the server any more. Read the definitions again.`
    case 'changed':
      return `${name} has changed since you saw it. Read it again, then decide.`
    case 'twice':
      return `${name} is there more than once, for the server tells accounts different things. Approve one of them.`
  }
}

/** For the audit, whose words are short: what was decided on, a few by name and the beginning of the hash. */
function namesOf(choices: DefinitionChoices): string[] {
  const names = choices.slice(0, 20).map(({ kind, name, hash }) => `${kind} ${name.slice(0, 40)}@${hash.slice(0, 12)}`)
  return choices.length > names.length ? [...names, `and ${choices.length - names.length} more`] : names
}

async function existing(db: Db, id: string): Promise<StoredServer> {
  const server = await readServer(db, id)
  if (server === undefined) throw notFound('server', id)
  return server
}
