/** Starts a server behind OAuth: both sides in this process, on loopback ports of their own, speaking real HTTP. */
import { type AuthorizationServer, type Desk, startAuthorizationServer } from './authorization-server.ts'
import type { Faults, OauthUpstream, OauthUpstreamOptions } from './model.ts'
import type { NotesState } from './notes.ts'
import { startResourceServer } from './resource-server.ts'

/** Tells whoever waits when a number that only grows has grown far enough. */
class Counter {
  #count = 0
  #waiters: { count: number; resolve: () => void }[] = []

  raise(): void {
    this.#count++
    this.#waiters = this.#waiters.filter(({ count, resolve }) => {
      if (count > this.#count) return true
      resolve()
      return false
    })
  }

  reaches(count: number): Promise<void> {
    if (this.#count >= count) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ count, resolve }))
  }
}

export async function startOauthUpstream(options: OauthUpstreamOptions = {}): Promise<OauthUpstream> {
  const calls = new Counter()
  const held = new Counter()
  let letGo: (() => void)[] = []
  const state: NotesState = {
    extra: new Map([['alice', ['alices_tool']]]),
    changes: new Map(),
    wait: () =>
      new Promise((resolve) => {
        letGo.push(resolve)
        calls.raise()
      }),
  }
  const resource = await startResourceServer(options, state)
  const desk: Desk = {
    ...{ options, faults: noFaults(options), resource: resource.url, lifetime: options.lifetime ?? 3600 },
    ...{ tokenRequests: [], authorizations: [], secrets: [], dead: new Set(), given: new Map() },
    ...{ gate: null, onHeld: () => held.raise() },
  }
  let inCharge = await startAuthorizationServer(desk)
  const all: AuthorizationServer[] = [inCharge]
  const takeCharge = (server: AuthorizationServer) => {
    inCharge = server
    resource.issuer = server.issuer
    resource.introspect = server.introspect
  }
  takeCharge(inCharge)
  const places = [new URL(resource.url).host, new URL(inCharge.issuer).host]

  return {
    url: resource.url,
    places,
    get issuer() {
      return inCharge.issuer
    },
    ...{ faults: desk.faults, tokenRequests: desk.tokenRequests, authorizations: desk.authorizations },
    ...{ seen: resource.seen, secrets: desk.secrets },
    clients: () => inCharge.storage.count('Client'),
    lifetime: (seconds) => {
      desk.lifetime = seconds
    },
    endAccess: (account) => endAccess(desk, account),
    revoke(account) {
      endAccess(desk, account)
      inCharge.storage.drop((model, payload) => OF_PERSON.includes(model) && payload.accountId === account)
    },
    forgetClients() {
      endAccess(desk)
      inCharge.storage.drop((model) => model === 'Client' || OF_PERSON.includes(model))
    },
    rotateKeys: () => inCharge.rotateKeys(),
    async move() {
      const next = await startAuthorizationServer(desk)
      all.push(next)
      places.push(new URL(next.issuer).host)
      takeCharge(next)
    },
    forgetLogins: () => inCharge.storage.drop((model) => model === 'Session'),
    holdTokens() {
      const { promise, resolve } = Promise.withResolvers<void>()
      desk.gate = promise
      return () => {
        desk.gate = null
        resolve()
      }
    },
    heldTokens: (count) => held.reaches(count),
    waiting: (count) => calls.reaches(count),
    release() {
      for (const resolve of letGo) resolve()
      letGo = []
    },
    giveTool(account, tool) {
      state.extra.set(account, [...(state.extra.get(account) ?? []), tool])
      resource.toolGiven(account, tool)
    },
    changeNote(account) {
      state.changes.set(account, (state.changes.get(account) ?? 0) + 1)
      resource.noteChanged(account)
    },
    async close() {
      for (const resolve of letGo) resolve()
      await resource.close()
      await Promise.all(all.map((server) => server.close()))
    },
  }
}

/** What of the storage ends with a person's agreement. */
const OF_PERSON: readonly string[] = ['AccessToken', 'RefreshToken', 'Grant', 'AuthorizationCode']

function endAccess({ given, dead }: Desk, account?: string): void {
  for (const [token, owner] of given) if (account === undefined || owner === account) dead.add(token)
}

function noFaults({ noRegistration = false }: OauthUpstreamOptions): Faults {
  return {
    ...{ down: false, noPkce: false, noIss: false, noRegistration, denied: false },
    ...{ wrongIss: null, wrongIssuer: null, withheld: [], refused: [], refreshError: null },
  }
}
