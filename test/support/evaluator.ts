/**
 * An external evaluator that really listens: it checks our token as its own documentation says, by our published keys, and answers with a
 * token of its own. How it misbehaves is up to the test.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'

export interface Asked {
  claims: JWTPayload & { identity?: Record<string, unknown> }
  token: string
}

export interface Evaluator {
  port: number
  /** `host:port`, as settings name it. */
  place: string
  question: { key: string; evaluateUrl: string; keysUrl: string }
  /** What it was asked, in order. */
  asked: Asked[]
  /** How often its keys were read. */
  keysRead(): number
  /** Replaces what it does; undefined is the honest answer again. */
  behave(how: Partial<Behaviour>): void
  /** Its private key and key id, for lies. */
  sign(claims: JWTPayload, header?: Partial<{ alg: string; kid: string }>): Promise<string>
  /** Makes another key and publishes only that. */
  rotate(): Promise<void>
  publicJwk(): Promise<Record<string, unknown>>
  close(): Promise<void>
}

export interface Behaviour {
  /** What it says of a caller. */
  decide(asked: Asked): unknown
  /** Answers in its place. */
  answer: ((asked: Asked, response: ServerResponse) => unknown) | undefined
  /** Answers for the keys. */
  keys: ((response: ServerResponse) => unknown) | undefined
}

export interface EvaluatorOptions {
  alg?: string
  /** Its clock, in milliseconds since 1970. */
  now?(): number
}

/** @param published our keys, as they stand at our certs endpoint */
export async function startEvaluator(
  published: () => readonly object[] | Promise<readonly object[]>,
  { alg = 'RS256', now = () => Date.now() }: EvaluatorOptions = {},
): Promise<Evaluator> {
  let pair = await generateKeyPair(alg, { extractable: true })
  let kid = 'k1'
  let keysRead = 0
  const asked: Asked[] = []
  const honest: Behaviour = { decide: () => true, answer: undefined, keys: undefined }
  let behaviour = honest

  const sign = (claims: JWTPayload, header: Partial<{ alg: string; kid: string }> = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(pair.privateKey)

  async function evaluate(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { token } = JSON.parse(body) as { token: string }
    const ours = createLocalJWKSet({ keys: [...(await published())] } as JSONWebKeySet)
    const { payload } = await jwtVerify(token, ours, { algorithms: ['RS256'], currentDate: new Date(now()) })
    const one: Asked = { claims: payload, token }
    asked.push(one)
    if (behaviour.answer !== undefined) return void (await behaviour.answer(one, response))
    const success = await behaviour.decide(one)
    say(response, { token: await sign(honestly(one, now(), success)) })
  }

  const server: Server = createServer((request, response) => {
    if (request.url === '/keys') {
      keysRead++
      if (behaviour.keys !== undefined) return void behaviour.keys(response)
      exportJWK(pair.publicKey).then((jwk) => say(response, { keys: [{ ...jwk, kid, alg }] }))
      return
    }
    evaluate(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    port,
    place: `127.0.0.1:${port}`,
    question: { key: `${url}/ ${url}/keys`, evaluateUrl: `${url}/`, keysUrl: `${url}/keys` },
    asked,
    keysRead: () => keysRead,
    behave(how) {
      behaviour = { ...honest, ...how }
    },
    sign,
    async rotate() {
      pair = await generateKeyPair(alg, { extractable: true })
      kid = `${kid}'`
    },
    publicJwk: async () => ({ ...(await exportJWK(pair.publicKey)), kid }),
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** The claims of an honest answer. @param now milliseconds since 1970 */
export function honestly({ claims }: Asked, now: number, success: unknown = true) {
  const iat = Math.round(now / 1000)
  return { success, iat, exp: iat + 60, nonce: claims.nonce }
}

export function say(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
