/** Tries every feature with every pair, directly and through the portal, and says of each cell what is kept. */
import { isDeepStrictEqual } from 'node:util'
import { FEATURES } from './features.ts'
import { probeInspector } from './inspector.ts'
import {
  CLIENTS,
  type ClientName,
  type Feature,
  NoSuchWay,
  NotThere,
  type Probe,
  SERVERS,
  type ServerName,
  type Trial,
  type Words,
} from './pair.ts'
import { openProbe, type Place } from './probes.ts'
import { openStage, type Stage, wordsOf } from './stage.ts'

/** `kept`: as without the portal. `lost`: by it. Else who cannot do it without a portal: the `server`, or the `client`. */
export type Verdict = 'kept' | 'lost' | 'server' | 'client'

export interface Cell {
  feature: string
  client: ClientName
  server: ServerName
  verdict: Verdict
  /** For whoever looks into it; nothing that is the same twice. */
  detail: string
}

/** How long to wait for what may never come, in milliseconds. */
export type Patience = (feature: string, client: ClientName, server: ServerName) => number

type Outcome = { came: unknown } | { failed: string } | { noWay: string } | { notThere: true }
type Outcomes = ReadonlyMap<string, Outcome>

/** Who stands right in front of which server: what they get there is what there is to keep. The Inspector does in front of the fixture. */
const DIRECT: Readonly<Record<ServerName, readonly ClientName[]>> = {
  http: ['SDK v1'],
  sse: ['SDK v1'],
  stdio: ['SDK v1'],
  proxy: ['SDK v1', 'SDK v2 of 2026'],
  // It has everything, so it tells what each client can do.
  fixture: ['SDK v1', 'SDK v2 of 2026', 'mcp-remote'],
}

/** @param clients whose columns are measured */
export async function measure(patience: Patience, clients: readonly ClientName[] = CLIENTS): Promise<Cell[]> {
  const stage = await openStage()
  try {
    const alone = clients.includes('Inspector') ? openRound(stage, 'Inspector', 'fixture', patience).then(tryAll) : null
    // A server has one client at a time: a change that one of them causes is not told to another. One that hears nothing is in nobody's way.
    const measured = await Promise.all(
      SERVERS.map(async (server) => {
        const [hearing, deaf] = await Promise.all([
          measureServer(stage, server, patience, clients),
          alone?.then(async (able) => {
            const round = await openRound(stage, 'Inspector', server, patience, 'portal')
            return { able, through: await tryAll(round, able) }
          }),
        ])
        if (deaf !== undefined) {
          hearing.through.set('Inspector', deaf.through)
          if (server === 'fixture') hearing.direct.set('Inspector', deaf.able)
        }
        return hearing
      }),
    )
    const able = measured.find(({ server }) => server === 'fixture')?.direct
    return measured.flatMap(({ server, direct, through }) =>
      clients.flatMap((client) =>
        FEATURES.map(({ name }) => {
          const seen = through.get(client)?.get(name) ?? { failed: 'not tried' }
          const by = [...direct.values()].map((outcomes) => outcomes.get(name))
          const own = direct.get(client)?.get(name)
          const elsewhere = able?.get(client)?.get(name)
          return { feature: name, client, server, ...judge(seen, own === undefined ? by : [own], elsewhere) }
        }),
      ),
    )
  } finally {
    await stage.close()
  }
}

/**
 * @param seen through the portal
 * @param direct what this client saw right in front of this server; where it cannot stand there, what others saw
 * @param able what this client saw right in front of a server that has nearly everything
 */
function judge(seen: Outcome, direct: readonly (Outcome | undefined)[], able: Outcome | undefined) {
  const there = direct.filter((outcome) => outcome !== undefined && 'came' in outcome)
  const own = able !== undefined && 'failed' in able ? able.failed : null
  if ('noWay' in seen) return { verdict: 'client' as const, detail: seen.noWay }
  if (there.length === 0 && direct.some((outcome) => outcome !== undefined && 'notThere' in outcome))
    return { verdict: 'server' as const, detail: 'it has none' }
  if (own !== null) return { verdict: 'client' as const, detail: own }
  if (there.length === 0) return { verdict: 'server' as const, detail: JSON.stringify(direct) }
  if ('came' in seen && there.some((outcome) => isDeepStrictEqual(outcome, seen)))
    return { verdict: 'kept' as const, detail: '' }
  return { verdict: 'lost' as const, detail: `${JSON.stringify(seen)} is not ${JSON.stringify(there)}` }
}

async function measureServer(stage: Stage, server: ServerName, patience: Patience, clients: readonly ClientName[]) {
  const direct = new Map<ClientName, Outcomes>()
  const through = new Map<ClientName, Outcomes>()
  for (const client of DIRECT[server].filter((one) => one === 'SDK v1' || clients.includes(one)))
    direct.set(client, await tryAll(await openRound(stage, client, server, patience)))
  for (const client of clients.filter((one) => one !== 'Inspector'))
    through.set(client, await tryAll(await openRound(stage, client, server, patience, 'portal')))
  return { server, direct, through }
}

interface Round {
  probe: Probe
  words: Words
  /** What stands before names of tools and prompts here. */
  prefix: string
  wait(feature: string): number
}

async function openRound(
  stage: Stage,
  client: ClientName,
  server: ServerName,
  patience: Patience,
  way: 'direct' | 'portal' = 'direct',
): Promise<Round> {
  const place = way === 'direct' ? stage.direct(server) : await stage.through(server, client)
  return {
    ...{ probe: await open(client, place), words: wordsOf(server) },
    prefix: way === 'direct' ? '' : `${server}_`,
    wait: (feature) => patience(feature, client, server),
  }
}

/** @param able what this client did elsewhere: what it could not do there is not tried again */
async function tryAll({ probe, words, prefix, wait }: Round, able?: Outcomes): Promise<Outcomes> {
  const outcomes = new Map<string, Outcome>()
  try {
    for (const feature of FEATURES) {
      const elsewhere = able?.get(feature.name)
      const trial: Trial = {
        ...{ probe, words, patienceMs: wait(feature.name) },
        place: (name) => `${prefix}${name}`,
        original: (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name),
      }
      const isHopeless = elsewhere !== undefined && ('failed' in elsewhere || 'noWay' in elsewhere)
      outcomes.set(feature.name, isHopeless ? elsewhere : await tryOne(feature, trial))
    }
  } finally {
    await probe.close()
  }
  return outcomes
}

function tryOne(feature: Feature, trial: Trial): Promise<Outcome> {
  return feature.run(trial).then((came): Outcome => ({ came: JSON.parse(JSON.stringify(came ?? null)) }), outcomeOf)
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof NotThere) return { notThere: true }
  if (error instanceof NoSuchWay) return { noWay: error.message }
  return { failed: error instanceof Error ? error.message : String(error) }
}

function open(client: ClientName, place: Place): Promise<Probe> {
  if (client !== 'Inspector') return openProbe(client, place)
  if ('command' in place) throw new TypeError('the Inspector is not started with a command here')
  return probeInspector(place)
}
