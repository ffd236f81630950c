/**
 * The door of the REST API. One order for every route: who is asking, which account, which route, then (for a change) the
 * audit row, the right, the body, the work, the audit row, the answer. The table says the rest.
 */
import { type Context, Hono } from 'hono'
import type { ActorSnapshot, DeedEnd, DeedStart, Entry } from '../audit/event.ts'
import { Fault } from '../base/fault.ts'
import { type DeedId, newId } from '../base/ids.ts'
import type { Operator } from '../base/principal.ts'
import { type Right, rightsOf } from '../contract/rights.ts'
import type { BrowserShown } from '../identity/operators.ts'
import { isDatabaseDown } from '../store/trouble.ts'
import { fail, succeed } from './answer.ts'
import type { AdminDeps, Caller } from './deps.ts'
import { readJson, refuseHostileJson } from './json-body.ts'
import { describeApi } from './openapi.ts'
import { ApiRefusal, forbidden, notFound } from './refusal.ts'
import { type Call, isZoned, namesIn, type Outcome, type Route } from './route.ts'

export interface Admin {
  /** Answers `/client/v4/…` and `/openapi.json`. */
  fetch(request: Request, caller: Caller): Promise<Response>
}

/** Some of the field's objects are asked for by zone too, and a portal has none: the account is meant. */
const PREFIXES = { accounts: '/client/v4/accounts/:account_id', zones: '/client/v4/zones/:account_id' } as const

type Env = { Bindings: { caller: Caller } }

export function openDoor(routes: readonly Route[], deps: AdminDeps): Admin {
  const app = new Hono<Env>()
  // Written for the first who asks: it is a good part of the time that a start takes, and few ever ask.
  let document: string | undefined
  app.get('/openapi.json', (c) => {
    document ??= JSON.stringify(describeApi(routes))
    return c.body(document, 200, { 'content-type': 'application/json; charset=utf-8' })
  })
  for (const route of routes) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
    const prefixes = isZoned(route.path) ? Object.values(PREFIXES) : [PREFIXES.accounts]
    for (const prefix of prefixes) app.on(route.method, prefix + path, (c) => serve(route, c, deps))
  }
  app.notFound((c) => serveNothing(c, deps))
  app.onError((error) => fail(error, deps.log))
  return { fetch: async (request, caller) => app.fetch(request, { caller }) }
}

async function serve(route: Route, c: Context<Env>, deps: AdminDeps): Promise<Response> {
  const operator = await enter(c, deps)
  const account = c.req.param('account_id') ?? ''
  if (deps.config.accountId !== null && account !== deps.config.accountId) throw notFound('account', account)
  const work = (): Promise<Outcome> => attempt(route, c, { deps, operator })
  if (route.method === 'GET') return succeed(await work())
  const start = startOf(c, { operator, account, now: deps.clock.now() })
  return succeed(await recorded(await deps.audit.begin(start), work))
}

/** Who asks is settled before what is asked, so that nobody without a token learns which routes there are. */
async function serveNothing(c: Context<Env>, deps: AdminDeps): Promise<Response> {
  await enter(c, deps)
  throw new ApiRefusal('notFound', 'There is no such route. /openapi.json lists those that there are.')
}

type WhoAsks = () => Promise<Operator | 'no-role' | null>

/**
 * Who shows a token is judged by the token alone, whatever cookies come along.
 *
 * @returns what asks again, also when the request itself is long over
 */
function whoAsks(c: Context<Env>, deps: AdminDeps): WhoAsks {
  const authorization = c.req.header('authorization')
  if (authorization !== undefined) return () => deps.authenticate(authorization)
  const shown = browserIn(c)
  return () => deps.authenticatePerson(shown)
}

/** @throws ApiRefusal 401, 403 */
async function enter(c: Context<Env>, deps: AdminDeps): Promise<Operator> {
  const operator = await whoAsks(c, deps)()
  if (operator !== null && operator !== 'no-role') return operator
  deps.audit.refused('bad-api-token', c.env.caller.clientIp ?? '')
  if (operator === 'no-role') {
    throw forbidden('You are signed in, and have no role here. An owner can give one to your address or group.')
  }
  throw new ApiRefusal(
    'unauthenticated',
    'Authentication error: send a live API token as "Authorization: Bearer <token>".',
  )
}

function browserIn(c: Context<Env>): BrowserShown {
  const header = (name: string): string | null => c.req.header(name) ?? null
  return {
    method: c.req.method,
    cookie: header('cookie'),
    ownRequest: header('x-portico-request'),
    fetchSite: header('sec-fetch-site'),
    origin: header('origin'),
    contentType: header('content-type'),
  }
}

async function attempt(
  route: Route,
  c: Context<Env>,
  { deps, operator }: { deps: AdminDeps; operator: Operator },
): Promise<Outcome> {
  refuseWithout(route, operator)
  const params = paramsOf(route, c)
  const query = c.req.query()
  refuseHostileJson(query)
  const body = route.body === undefined ? undefined : await readJson(c.req.raw)
  // A body may take a minute to arrive, and who sent its head may have been shut out meanwhile.
  const asking = route.body === undefined ? operator : await enter(c, deps)
  refuseWithout(route, asking)
  const whoIs = whoAsks(c, deps)
  const call: Call = {
    deps,
    operator: asking,
    caller: c.env.caller,
    author: { label: asking.name, origin: 'api' },
    account: c.req.param('account_id') ?? '',
    id: params.id ?? '',
    params,
    body,
    query,
    resume: c.req.header('last-event-id') ?? null,
    stillMay: async () => {
      const now = await whoIs()
      return now !== null && now !== 'no-role' && missing(route, now) === undefined
    },
  }
  return route.run(call)
}

/** @returns the first right that the route asks for and who asks has not */
function missing({ right, also = [] }: Route, { role, scopes }: Operator): Right | undefined {
  const own = rightsOf(role, scopes)
  return [right, ...also].find((one) => !own.includes(one))
}

/** @throws ApiRefusal 403 */
function refuseWithout(route: Route, operator: Operator): void {
  const right = missing(route, operator)
  const { kind, role } = operator
  if (right === undefined) return
  if (kind === 'api_token') throw forbidden(`This token lacks the right "${right}". Use one that has it.`)
  throw forbidden(`Your role, ${role}, lacks the right "${right}". Ask an owner for one that has it.`)
}

function paramsOf(route: Route, c: Context<Env>): Record<string, string> {
  const params: Record<string, string> = {}
  for (const name of namesIn(route.path)) {
    const value = c.req.param(name) ?? ''
    // PostgreSQL has no text with a NUL in it, so nothing can have this id.
    if (value.includes('\0')) throw notFound('object', value.replaceAll('\0', ''))
    params[name] = value
  }
  return params
}

function actorOf({ kind, id, name, role }: Operator): ActorSnapshot {
  return { kind: kind === 'person' ? 'user' : 'api_token', id, label: name, role }
}

function startOf(
  c: Context<Env>,
  { operator, account, now }: { operator: Operator; account: string; now: number },
): DeedStart {
  const { clientIp } = c.env.caller
  const by = c.req.path.startsWith('/client/v4/zones/') ? 'zones' : 'accounts'
  const prefix = `/client/v4/${by}/${account}`
  return {
    deed: newId<DeedId>(now),
    plane: 'admin',
    actor: actorOf(operator),
    method: `${c.req.method} ${c.req.path.slice(c.req.path.startsWith(prefix) ? prefix.length : 0)}`.slice(0, 256),
    // Any account id may be answered, so the one that was asked for is kept.
    capability: `${by}/${account}`.slice(0, 256),
    ...(clientIp === null ? {} : { clientIp }),
    ...(operator.kind === 'person' ? { session: operator.session } : {}),
  }
}

/** Refused and failed attempts have their `ended` row too. */
export async function recorded(entry: Entry, work: () => Promise<Outcome>): Promise<Outcome> {
  let outcome: Outcome
  try {
    outcome = await work()
  } catch (error) {
    await entry.finish(endOf(error))
    throw error
  }
  await entry.finish({
    outcome: 'answered',
    decision: 'allow',
    ...(outcome.change === undefined ? {} : { change: outcome.change }),
    ...(outcome.reason === undefined ? {} : { purpose: outcome.reason }),
  })
  return outcome
}

function endOf(error: unknown): DeedEnd {
  if (error instanceof ApiRefusal) {
    const { status } = error
    return { outcome: 'refused', error: String(status), ...(status === 403 ? { decision: 'deny' as const } : {}) }
  }
  if (error instanceof Fault) return { outcome: 'failed', error: error.code }
  return { outcome: 'failed', error: isDatabaseDown(error) ? 'store-unavailable' : 'bug' }
}
