/**
 * What an external evaluator answered, judged: a JWT (RFC 7519) signed by one of the keys at its `keys_url`, which says `success`, our
 * own nonce, and an end that is near. Whatever of that does not hold is thrown, and an answer that is thrown away is no answer.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../base/clock.ts'
import type { SafeFetch } from '../base/safe-fetch.ts'

/** Pinned: what shares a secret, and `none`, is nobody's signature. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512']
/** How long an answer may be good for, in seconds. */
const LONGEST_SECONDS = 60
/** By how much the evaluator's clock may be ahead of ours. It may not be behind: that would lengthen a life that is over. */
const AHEAD_SECONDS = 5

export interface Expected {
  nonce: string
  /** As we told them; where the answer names somebody, it must be this one. */
  identity: Readonly<Record<string, unknown>>
  /** Whom it is for, where the answer says so: us. */
  issuer: string
}

export interface Verdict {
  success: boolean
  /** Milliseconds since 1970. */
  until: number
}

type KeySet = ReturnType<typeof createLocalJWKSet>

/** @throws Error which says, for the log, what is wrong with it */
export async function judgeAnswer(token: string, keys: KeySet, expected: Expected, now: number): Promise<Verdict> {
  const { payload } = await jwtVerify(token, keys, {
    algorithms: ALGORITHMS,
    currentDate: new Date(now),
    requiredClaims: ['exp'],
  })
  const { success, exp = 0, iat, nonce } = payload
  const seconds = now / 1000
  if (nonce !== expected.nonce) throw new Error('the answer is not to this question')
  if (exp > seconds + LONGEST_SECONDS + AHEAD_SECONDS) throw new Error('the answer is good for too long')
  if (iat !== undefined && iat > seconds + AHEAD_SECONDS) throw new Error('the answer is of the future')
  refuseAnother(payload, expected)
  if (typeof success !== 'boolean') throw new Error('the answer says neither true nor false')
  return { success, until: Math.min(exp * 1000, now + LONGEST_SECONDS * 1000) }
}

/** The nonce binds an answer to its question, and so to the caller. One that names another caller, or another asker, is still a lie. */
function refuseAnother({ sub, email, aud }: JWTPayload, { identity, issuer }: Expected): void {
  if (sub !== undefined && sub !== identity.id) throw new Error('the answer is about somebody else')
  if (email !== undefined && email !== identity.email) throw new Error('the answer is about somebody else')
  if (aud !== undefined && ![aud].flat().includes(issuer)) throw new Error('the answer is for somebody else')
}

export interface KeyRooms {
  send: SafeFetch
  clock: Clock
}

export interface EvaluatorKeys {
  /**
   * @param unknownTo a set that lacked the key: fetched anew, if that was not done a moment ago
   * @throws Fault or Error where they cannot be had
   */
  at(url: string, unknownTo?: KeySet): Promise<KeySet>
}

const KEPT_MS = 5 * 60_000
/** Whoever signs with keys that are nowhere would otherwise have them looked for each time. */
const REST_MS = 30_000
const MOST_SETS = 200

interface KeptKeys {
  at: number
  set: Promise<KeySet>
}

export function openEvaluatorKeys({ send, clock }: KeyRooms): EvaluatorKeys {
  const kept = new Map<string, KeptKeys>()

  async function read(url: string): Promise<KeySet> {
    const json = await readJson(await send(url, { headers: { accept: 'application/json' } }))
    return createLocalJWKSet(json as unknown as JSONWebKeySet)
  }

  return {
    async at(url, unknownTo) {
      const now = clock.now()
      const known = kept.get(url)
      const isOld = known === undefined || known.at + KEPT_MS <= now
      const isLacking = unknownTo !== undefined && known !== undefined && known.at + REST_MS <= now
      if (known !== undefined && !isOld && !isLacking) return known.set
      const set = read(url)
      const made = { at: now, set }
      if (kept.size >= MOST_SETS) kept.delete(kept.keys().next().value ?? '')
      kept.set(url, made)
      // What failed is tried again by the next one.
      set.catch(() => {
        if (kept.get(url) === made) kept.delete(url)
      })
      return set
    },
  }
}

export function isUnknownKey(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey
}

/** @throws Error for another status, and for what is no JSON object; its type does not matter, because a signature decides */
export async function readJson(response: Response): Promise<Record<string, unknown>> {
  if (response.status !== 200) throw new Error(`status ${response.status}`)
  const json: unknown = await response.json()
  if (typeof json !== 'object' || json === null) throw new Error('no JSON object')
  return json as Record<string, unknown>
}
