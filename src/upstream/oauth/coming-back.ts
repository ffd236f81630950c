/**
 * The way back from an authorization server, in this order: whose it is, who answers (RFC 9207), what they say, whether they are still the
 * same, and only then the code. Before "who answers" is settled nothing of the answer is used, not even that it is an error.
 */
import { digest } from '../../base/secret.ts'
import type { DeskRefusal } from '../connections/desk-model.ts'
import type { GrantedTokens } from '../connections/model.ts'
import { type Attempt, type AttemptSecrets, type Bearer, keepResult, readNature, takeAttempt } from './attempt-store.ts'
import { type ConnectDeskDeps, refusalOf } from './desk-deps.ts'
import { type AuthServer, type OauthClient, type OauthTarget, OauthTrouble } from './model.ts'
import { plainCode } from './trouble-of.ts'

export type Returned =
  | { kind: 'arrived'; attempt: Attempt }
  | { kind: 'refused'; reason: DeskRefusal; returnTo: string | null; unwanted?: Attempt }

const MAX_CODE = 4096

export async function comeBack(
  deps: ConnectDeskDeps,
  query: URLSearchParams,
  bearer: Bearer & { path: string },
): Promise<Returned> {
  const state = onlyOne(query, 'state')
  const attempt = state === null ? undefined : await takeAttempt(deps, digest(state), bearer)
  if (attempt === undefined) return { kind: 'refused', reason: 'not-yours', returnTo: null }
  const { returnTo, server: uid } = attempt
  const refuse = (reason: DeskRefusal, unwanted?: Attempt): Returned => {
    return { kind: 'refused', reason, returnTo, ...(unwanted === undefined ? {} : { unwanted }) }
  }
  const answer = readAnswer(query, attempt.secrets)
  if (answer.kind === 'refused') {
    deps.log.info({ server: uid, reason: answer.reason, code: answer.code }, 'an account was not connected')
    return refuse(answer.reason)
  }
  try {
    const arrived = await exchange(deps, attempt, answer.code)
    const { result, account, scope } = arrived
    if (result !== null && (await keepResult(deps, attempt.id, { result, account, scope })))
      return { kind: 'arrived', attempt: arrived }
    return refuse('not-yours', arrived)
  } catch (error) {
    return refuse(refusalOf(deps.log, uid, error, 'no-token'))
  }
}

type Answer =
  | { kind: 'code'; code: string }
  | { kind: 'refused'; reason: 'wrong-issuer' | 'denied' | 'no-token'; code: string | null }

/** RFC 9207 section 2.4: compared as strings, on errors too; nothing is shown of an answer from somebody else. */
export function readAnswer(
  query: URLSearchParams,
  { issuer, hasIss }: Pick<AttemptSecrets, 'issuer' | 'hasIss'>,
): Answer {
  const said = query.getAll('iss')
  const isMissing = said.length === 0 && hasIss
  // Where an admin wrote down endpoints without an issuer there is nothing to compare with; the path names the server then.
  const isOther = said.length > 1 || (said.length === 1 && issuer !== null && said[0] !== issuer)
  if (isMissing || isOther) return { kind: 'refused', reason: 'wrong-issuer', code: null }
  if (query.has('error')) return { kind: 'refused', reason: 'denied', code: plainCode(query.get('error')) }
  const code = onlyOne(query, 'code')
  return code === null ? { kind: 'refused', reason: 'no-token', code: null } : { kind: 'code', code }
}

/** RFC 6749 section 3.1: a parameter stands there once. */
function onlyOne(query: URLSearchParams, name: string): string | null {
  const [value = '', ...more] = query.getAll(name)
  return value !== '' && more.length === 0 && value.length <= MAX_CODE ? value : null
}

async function exchange(deps: ConnectDeskDeps, attempt: Attempt, code: string): Promise<Attempt> {
  const { secrets, redirectUri } = attempt
  const { target, server, client } = await sameAsBefore(deps, attempt)
  const asked = { server, client, code, redirectUri, verifier: secrets.verifier }
  const tokens: GrantedTokens = await deps.ways.exchange(target, asked)
  const at = deps.store.clock.now()
  const account = await deps.ways.accountOf(target, server, tokens)
  // RFC 6749 section 5.1: where nothing is said, it is what was asked for. The ID token has said what it is for.
  const result = { tokens: { ...tokens, idToken: null }, at }
  return { ...attempt, account, scope: tokens.scope ?? attempt.scope, result }
}

/** The code goes to nobody but the one that the browser was sent to. @throws OauthTrouble */
async function sameAsBefore(
  { ways, store, targetOf }: ConnectDeskDeps,
  { server: uid, secrets }: Attempt,
): Promise<{ target: OauthTarget; server: AuthServer; client: OauthClient }> {
  const target = await targetOf(uid)
  const nature = await readNature(store.db, uid)
  if (target === undefined || nature !== secrets.nature) throw new OauthTrouble('moved', 'the server is another by now')
  const server = await ways.discover(target, { anew: true })
  const isSame =
    server.issuer === secrets.issuer &&
    server.resource === secrets.resource &&
    server.authorizationEndpoint === secrets.authorizationEndpoint &&
    server.tokenEndpoint === secrets.tokenEndpoint
  if (!isSame) throw new OauthTrouble('moved', 'the authorization server is another than the one that was left for')
  const client = await ways.clientOf(target, server)
  if (client.id !== secrets.clientId) throw new OauthTrouble('invalid_client', 'the portal is known as another by now')
  return { target, server, client }
}
