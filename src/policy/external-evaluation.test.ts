/** An evaluator that really listens, honest first and then in every way that a stranger may lie; each lie ends closed, and in time. */

import { createSecretKey, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Asked, type Evaluator, honestly, say, startEvaluator } from '../../test/support/evaluator.ts'
import { localEgress } from '../../test/upstream-room.ts'
import { parsePlace } from '../base/destination.ts'
import type { GrantId, ServiceTokenId, UserId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import type { Principal, UserPrincipal } from '../base/principal.ts'
import { DEADLINE_MS, MOST_AT_ONCE, openExternalEvaluation } from './external-evaluation.ts'
import type { Answers } from './facts.ts'
import { NOWHERE, type Origin } from './model.ts'

const ISSUER = 'https://mcp.example.com'
const ADA: UserPrincipal = {
  ...{ kind: 'user', id: 'u-ada' as UserId, email: 'ada@acme.test', label: 'Ada', grant: 'g1' as GrantId },
  identity: {
    ...{ provider: 'okta', issuer: 'https://idp.acme.test', subject: 's-1', groups: ['staff'], amr: ['pwd', 'otp'] },
    claims: { team: 'core' },
    signedInAt: 1_790_000_000_000,
  },
}
const BOB: UserPrincipal = { ...ADA, id: 'u-bob' as UserId, email: 'bob@acme.test', label: 'Bob' }
const FROM: Origin = { ip: '203.0.113.9', certificate: null }

let ours: { sign(claims: Record<string, unknown>): Promise<string>; published: object[] }
let evaluator: Evaluator
const more: { close(): unknown }[] = []
let ahead = 0
const clock = { now: () => Date.now() + ahead, elapsed: () => performance.now() }

beforeAll(async () => {
  const pair = await generateKeyPair('RS256')
  ours = {
    published: [{ ...(await exportJWK(pair.publicKey)), kid: 'ours', alg: 'RS256' }],
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'ours' }).sign(pair.privateKey),
  }
  evaluator = await startEvaluator(() => ours.published, { now: clock.now })
})
afterAll(() => evaluator.close())
beforeEach(() => {
  ahead = 0
  evaluator.asked.length = 0
  evaluator.behave({})
})
afterEach(async () => {
  for (const one of more.splice(0)) await one.close()
})

/** A portal that others reach, so that nothing inside is open but what is named. */
function open(allowed: readonly string[] = [evaluator.place]) {
  return openExternalEvaluation({
    egress: localEgress({ host: '0.0.0.0', publicUrl: ISSUER }),
    allowed: allowed.map(parsePlace).filter((place) => place !== null),
    sign: ours.sign,
    issuer: () => ISSUER,
    countryOf: (ip) => (ip === FROM.ip ? 'PT' : null),
    clock,
    log: silentLog,
  })
}

type Evaluate = ReturnType<typeof open>

async function told(
  evaluate: Evaluate,
  who: Principal = ADA,
  from: Origin = FROM,
  at = evaluator,
): Promise<boolean | null> {
  const { answers } = await evaluate([at.question], who, from)
  return answers.get(at.question.key) ?? null
}

const honest = (asked: Asked) => honestly(asked, clock.now())

// [EXT-1]
describe('an honest evaluator', () => {
  test('is told who calls and from where, in a token that our published keys verify, and is heard', async () => {
    const evaluate = open()
    evaluator.behave({ decide: ({ claims }) => claims.identity?.email === 'ada@acme.test' })
    expect(await told(evaluate)).toBe(true)
    expect(await told(evaluate, BOB)).toBe(false)
    const [{ claims } = {}] = evaluator.asked as { claims: Record<string, unknown> }[]
    expect(claims).toMatchObject({
      ...{ iss: ISSUER, aud: [evaluator.question.evaluateUrl], type: 'external_evaluation' },
      identity: {
        ...{ id: 'u-ada', email: 'ada@acme.test', groups: ['staff'], amr: ['pwd', 'otp'], custom: { team: 'core' } },
        ...{ idp: { id: 'okta', issuer: 'https://idp.acme.test', subject: 's-1' } },
        ...{ ip: '203.0.113.9', geo: { country: 'PT' } },
      },
    })
    expect(Number(claims?.exp) - Number(claims?.iat)).toBe(60)
    expect(String(claims?.nonce)).toMatch(/^[\w-]{32}$/)
    expect(evaluator.asked.map(({ claims }) => claims.nonce)).toHaveLength(
      new Set(evaluator.asked.map(({ claims }) => claims.nonce)).size,
    )
  })

  test('may sign with elliptic curves', async () => {
    const other = await startEvaluator(() => ours.published, { alg: 'ES384', now: clock.now })
    more.push(other)
    expect(await told(open([other.place]), ADA, FROM, other)).toBe(true)
  })

  test('is told that groups are not known, which is not the same as none', async () => {
    const evaluate = open()
    const { identity } = ADA
    await told(evaluate, { ...ADA, identity: identity && { ...identity, groups: null } })
    await told(evaluate, { ...ADA, identity: identity && { ...identity, groups: [] } })
    expect(evaluator.asked.map(({ claims }) => claims.identity?.groups)).toEqual([null, []])
  })

  test('that takes another key is asked for it again, at most every half minute', async () => {
    const other = await startEvaluator(() => ours.published, { now: clock.now })
    more.push(other)
    const evaluate = open([other.place])
    expect(await told(evaluate, ADA, FROM, other)).toBe(true)
    await other.rotate()
    expect(await told(evaluate, BOB, FROM, other)).toBe(null)
    expect(other.keysRead()).toBe(1)
    ahead = 30_001
    expect(await told(evaluate, BOB, FROM, other)).toBe(true)
    expect(other.keysRead()).toBe(2)
  })
})

// [EXT-2]
describe('an answer is kept', () => {
  test('for a minute at most, and never beyond its own end', async () => {
    const evaluate = open()
    const first = (await evaluate([evaluator.question], ADA, FROM)) as Answers
    expect(first.until).toBeLessThanOrEqual(clock.now() + 60_000)
    expect(await told(evaluate)).toBe(true)
    expect(evaluator.asked).toHaveLength(1)
    ahead = 60_001
    evaluator.behave({ answer: (asked, response) => signed((now) => ({ exp: now + 3 }))(evaluator, asked, response) })
    expect(await told(evaluate)).toBe(true)
    expect(evaluator.asked).toHaveLength(2)
    ahead += 4001
    expect(await told(evaluate)).toBe(true)
    expect(evaluator.asked).toHaveLength(3)
  })

  const identity = ADA.identity as NonNullable<UserPrincipal['identity']>
  const others: [string, Principal, Origin][] = [
    ['another person', BOB, FROM],
    ['another address of theirs', { ...ADA, email: 'a@acme.test' }, FROM],
    ['other groups', { ...ADA, identity: { ...identity, groups: ['staff', 'admins'] } }, FROM],
    ['groups that are not known', { ...ADA, identity: { ...identity, groups: null } }, FROM],
    ['another issuer', { ...ADA, identity: { ...identity, issuer: 'https://other.test' } }, FROM],
    ['another subject', { ...ADA, identity: { ...identity, subject: 's-2' } }, FROM],
    ['a weaker sign-in', { ...ADA, identity: { ...identity, amr: ['pwd'] } }, FROM],
    ['another claim', { ...ADA, identity: { ...identity, claims: { team: 'sales' } } }, FROM],
    ['another place', ADA, { ...FROM, ip: '203.0.113.10' }],
    ['no place', ADA, NOWHERE],
    ['another certificate', ADA, { ...FROM, certificate: { present: true, commonName: 'laptop' } }],
    [
      'a service token',
      { kind: 'service', id: 'u-ada' as ServiceTokenId, name: 'Ada', clientId: 'c', grant: 'g1' as GrantId },
      FROM,
    ],
  ]
  test.each(others)('and says nothing of %s', async (_, who, from) => {
    const evaluate = open()
    expect(await told(evaluate)).toBe(true)
    evaluator.behave({ decide: () => false })
    expect(await told(evaluate, who, from)).toBe(false)
    expect(await told(evaluate)).toBe(true)
    expect(evaluator.asked).toHaveLength(2)
  })

  test('and those who ask at the same time ask once', async () => {
    const evaluate = open()
    const all = await Promise.all(Array.from({ length: 50 }, () => told(evaluate)))
    expect(all).toEqual(Array.from({ length: 50 }, () => true))
    expect(evaluator.asked).toHaveLength(1)
  })

  test('and where none came, the next is asked for five seconds later', async () => {
    const evaluate = open()
    evaluator.behave({ answer: (_, response) => say(response, {}, 503) })
    expect(await told(evaluate)).toBe(null)
    evaluator.behave({})
    expect(await told(evaluate)).toBe(null)
    ahead = 5001
    expect(await told(evaluate)).toBe(true)
    expect(evaluator.asked).toHaveLength(2)
  })
})

type Lie = (at: Evaluator, asked: Evaluator['asked'][number], response: Parameters<typeof say>[0]) => unknown

const signed =
  (change: (now: number) => object): Lie =>
  async (at, asked, response) => {
    const claims = honest(asked)
    say(response, { token: await at.sign({ ...claims, ...change(claims.iat) } as never) })
  }

const LIES: [string, Lie][] = [
  [
    'signs with a key of somebody else',
    async (_, asked, response) => {
      const { privateKey } = await generateKeyPair('RS256')
      const token = await new SignJWT(honest(asked)).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(privateKey)
      say(response, { token })
    },
  ],
  [
    'signs with no algorithm',
    async (_, asked, response) => say(response, { token: new UnsecuredJWT(honest(asked)).encode() }),
  ],
  [
    'signs with its public key as a shared secret',
    async (at, asked, response) => {
      const spki = await exportSPKI((await importJwk(at)) as never)
      const secret = createSecretKey(Buffer.from(spki))
      const token = await new SignJWT(honest(asked)).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(secret)
      say(response, { token })
    },
  ],
  [
    'brings the key along',
    async (_, asked, response) => {
      const { privateKey, publicKey } = await generateKeyPair('RS256')
      const jwk = await exportJWK(publicKey)
      const token = await new SignJWT(honest(asked)).setProtectedHeader({ alg: 'RS256', jwk }).sign(privateKey)
      say(response, { token })
    },
  ],
  ['sends our own token back', (_, { token }, response) => say(response, { token })],
  ['answers another question', signed(() => ({ nonce: 'another' }))],
  ['answers no question', signed(() => ({ nonce: undefined }))],
  ['says yes about another user', signed(() => ({ sub: 'u-eve' }))],
  ['says yes about another address', signed(() => ({ email: 'eve@acme.test' }))],
  ['says yes to another portal', signed(() => ({ aud: 'https://other.example.com' }))],
  ['is of the past', signed((now) => ({ iat: now - 120, exp: now - 60 }))],
  ['is good for a day', signed((now) => ({ exp: now + 86_400 }))],
  ['is good for ever', signed(() => ({ exp: undefined }))],
  ['is of the future', signed((now) => ({ iat: now + 60, exp: now + 60 }))],
  ['is not good yet', signed((now) => ({ nbf: now + 60 }))],
  ['says "true" in a string', signed(() => ({ success: 'true' }))],
  ['says 1', signed(() => ({ success: 1 }))],
  ['says nothing', signed(() => ({ success: undefined }))],
  ['says yes without a token', (_, __, response) => say(response, { success: true })],
  [
    'says yes with status 403',
    async (at, asked, response) => say(response, { token: await at.sign(honest(asked)) }, 403),
  ],
  ['sends something else', (_, __, response) => response.writeHead(200).end('<html>true</html>')],
  ['sends a list', (_, __, response) => say(response, [true])],
  ['sends null', (_, __, response) => response.writeHead(200).end('null')],
  [
    'codes its answer',
    async (at, asked, response) => {
      response.writeHead(200, { 'content-encoding': 'br' }).end(JSON.stringify({ token: await at.sign(honest(asked)) }))
    },
  ],
  [
    'breaks off',
    (_, __, response) => response.writeHead(200, { 'content-length': '900' }).write('{', () => response.destroy()),
  ],
]

async function importJwk(at: Evaluator) {
  const { importJWK } = await import('jose')
  return importJWK(await at.publicJwk(), 'RS256', { extractable: true })
}

// [EXT-3]
describe('an evaluator that', () => {
  test.each(LIES)('%s is not heard', async (_, lie) => {
    const evaluate = open()
    evaluator.behave({ answer: (asked, response) => lie(evaluator, asked, response) })
    expect(await told(evaluate)).toBe(null)
    expect(evaluator.asked).toHaveLength(1)
    // The same lie to somebody else, so that it is the answer and not the caller.
    expect(await told(evaluate, BOB)).toBe(null)
    // And honest, it is heard: what was refused is the lie.
    evaluator.behave({})
    ahead = 5001
    expect(await told(evaluate)).toBe(true)
  })

  test('replays a good answer is not heard', async () => {
    const evaluate = open()
    let good = ''
    evaluator.behave({
      answer: async (asked, response) => {
        if (good === '') good = await evaluator.sign(honest(asked))
        say(response, { token: good })
      },
    })
    expect(await told(evaluate)).toBe(true)
    expect(await told(evaluate, BOB)).toBe(null)
    expect(await told(evaluate, ADA, NOWHERE)).toBe(null)
  })

  test('points elsewhere is not followed', async () => {
    const elsewhere = await startEvaluator(() => ours.published, { now: clock.now })
    more.push(elsewhere)
    const evaluate = open([evaluator.place, elsewhere.place])
    for (const status of [301, 302, 307, 308]) {
      evaluator.behave({
        answer: (_, response) => response.writeHead(status, { location: elsewhere.question.evaluateUrl }).end(),
      })
      expect(await told(evaluate, { ...ADA, label: `Ada ${status}` })).toBe(null)
    }
    expect(elsewhere.asked).toEqual([])
  })

  test('has its keys elsewhere is not followed', async () => {
    const elsewhere = await startEvaluator(() => ours.published, { now: clock.now })
    more.push(elsewhere)
    const evaluate = open([evaluator.place, elsewhere.place])
    evaluator.behave({ keys: (response) => response.writeHead(302, { location: elsewhere.question.keysUrl }).end() })
    expect(await told(evaluate)).toBe(null)
    expect(elsewhere.keysRead()).toBe(0)
  })

  test('publishes a shared secret as a key is not heard', async () => {
    const evaluate = open()
    const k = Buffer.alloc(32, 7).toString('base64url')
    evaluator.behave({
      keys: (response) => say(response, { keys: [{ kty: 'oct', kid: 'k1', k, alg: 'HS256' }] }),
      answer: async (asked, response) => {
        const token = await new SignJWT(honest(asked))
          .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
          .sign(createSecretKey(Buffer.alloc(32, 7)))
        say(response, { token })
      },
    })
    expect(await told(evaluate)).toBe(null)
  })

  test('publishes a key that is too short is not heard', async () => {
    const evaluate = open()
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const { createSign } = await import('node:crypto')
    evaluator.behave({
      keys: (response) => say(response, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1' }] }),
      answer: async (asked, response) => {
        const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')
        const text = `${part({ alg: 'RS256', kid: 'k1' })}.${part(honest(asked))}`
        say(response, { token: `${text}.${createSign('sha256').update(text).sign(privateKey).toString('base64url')}` })
      },
    })
    expect(await told(evaluate)).toBe(null)
  })
})

/** Milliseconds; generous, because the machine has other things to do. */
const IN_TIME = DEADLINE_MS + 10_000

async function timed(work: () => Promise<boolean | null>) {
  const began = performance.now()
  const answer = await work()
  return { answer, ms: performance.now() - began }
}

// [EXT-4]
describe('in two seconds it is over with an evaluator that', () => {
  const HANGS: [string, () => Promise<Evaluator['question']> | Evaluator['question']][] = [
    [
      'never answers',
      () => {
        evaluator.behave({ answer: () => undefined })
        return evaluator.question
      },
    ],
    [
      'never shows its keys',
      () => {
        evaluator.behave({ keys: () => undefined })
        return evaluator.question
      },
    ],
    [
      'sends one byte at a time',
      () => {
        evaluator.behave({
          answer: (_, response) => {
            response.writeHead(200, { 'content-type': 'application/json' })
            const timer = setInterval(() => response.write(' '), 20)
            response.on('close', () => clearInterval(timer))
          },
        })
        return evaluator.question
      },
    ],
    [
      'takes the connection and says nothing',
      async () => {
        const mute = createServer(() => {})
        await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
        const sockets = new Set<{ destroy(): void }>()
        mute.on('connection', (socket) => sockets.add(socket))
        more.push({
          close: () => {
            for (const socket of sockets) socket.destroy()
            return new Promise((resolve) => mute.close(resolve))
          },
        })
        const { port } = mute.address() as { port: number }
        const url = `http://127.0.0.1:${port}`
        return { key: url, evaluateUrl: url, keysUrl: `${url}/keys` }
      },
    ],
  ]
  test.each(HANGS)('%s', async (_, prepare) => {
    const question = await prepare()
    const evaluate = open([new URL(question.evaluateUrl).host])
    const { answer, ms } = await timed(async () => {
      const { answers } = await evaluate([question], ADA, FROM)
      return answers.get(question.key) ?? null
    })
    expect(answer).toBe(null)
    expect(ms).toBeLessThan(IN_TIME)
  })

  test('sends a gigabyte, of which no more than 64 KiB is taken', async () => {
    const evaluate = open()
    let sent = 0
    evaluator.behave({
      answer: (_, response) => {
        const chunk = Buffer.alloc(64 * 1024, 0x20)
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(1024 ** 3) })
        const pump = () => {
          while (!response.destroyed && sent < 1024 ** 3) {
            sent += chunk.length
            if (!response.write(chunk)) return void response.once('drain', pump)
          }
        }
        pump()
      },
    })
    const { answer, ms } = await timed(() => told(evaluate))
    expect(answer).toBe(null)
    expect(ms).toBeLessThan(IN_TIME)
    expect(sent).toBeLessThan(64 * 1024 * 1024)
  })

  test('has a gigabyte of keys', async () => {
    const evaluate = open()
    evaluator.behave({
      keys: (response) => {
        response.writeHead(200)
        const chunk = Buffer.alloc(64 * 1024, 0x20)
        const pump = () => {
          while (!response.destroyed) if (!response.write(chunk)) return void response.once('drain', pump)
        }
        pump()
      },
    })
    const { answer, ms } = await timed(() => told(evaluate))
    expect(answer).toBe(null)
    expect(ms).toBeLessThan(IN_TIME)
  })

  test('is down', async () => {
    const down = await startEvaluator(() => ours.published, { now: clock.now })
    await down.close()
    const { answer, ms } = await timed(() => told(open([down.place]), ADA, FROM, down))
    expect(answer).toBe(null)
    expect(ms).toBeLessThan(IN_TIME)
  })

  test('hangs for everybody: beyond so many at once nobody waits, and another evaluator is heard', async () => {
    const other = await startEvaluator(() => ours.published, { now: clock.now })
    more.push(other)
    const evaluate = open([evaluator.place, other.place])
    evaluator.behave({ answer: () => undefined })
    const many = Array.from({ length: MOST_AT_ONCE.perEvaluator }, (_, index) =>
      told(evaluate, { ...ADA, id: `u${index}` as UserId }),
    )
    const beyond = evaluate([evaluator.question], BOB, FROM)
    expect(beyond).not.toBeInstanceOf(Promise)
    expect((beyond as Answers).answers.size).toBe(0)
    expect(await told(evaluate, ADA, FROM, other)).toBe(true)
    expect(new Set(await Promise.all(many))).toEqual(new Set([null]))
  })
})

// [EXT-5]
describe('an evaluator inside our network', () => {
  test('is not asked unless its place is opened, and nothing of the caller leaves', async () => {
    expect(await told(open([]))).toBe(null)
    expect(await told(open([`127.0.0.1:${evaluator.port + 1}`]))).toBe(null)
    expect(evaluator.asked).toEqual([])
    expect(await told(open())).toBe(true)
  })

  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://public.example.com/evaluate',
    'file:///etc/passwd',
    'http://user:secret@127.0.0.1/',
    'nonsense',
  ])('%s is never asked, even where it is opened', async (evaluateUrl) => {
    const evaluate = open(['169.254.169.254:80'])
    const question = { key: evaluateUrl, evaluateUrl, keysUrl: evaluator.question.keysUrl }
    expect(((await evaluate([question], ADA, FROM)) as Answers).answers.size).toBe(0)
  })
})
