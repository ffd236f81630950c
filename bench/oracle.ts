/**
 * `node bench/oracle.ts`: whether a caller can tell a tool that is forbidden from one that does not exist by how long the answer takes.
 * Calls of the two come one after the other on one connection, in an order of chance, and so do calls of two names that nobody has, as a
 * measure of what the machine itself makes of equals. Two-sample Kolmogorov-Smirnov: p under 0.01 says that the two differ.
 */
import { Agent, request } from 'node:http'
import { parseArgs } from 'node:util'
import { request2026 } from '../test/raw-mcp.ts'
import { median } from './figures.ts'
import { startPortal } from './portal.ts'
import { startProgram } from './processes.ts'
import { registerBench } from './subjects.ts'

const { values: options } = parseArgs({ options: { samples: { type: 'string', default: '2000' } } })
const samples = Number(options.samples)
const WARM_UP = 500
const LEAST_P = 0.01
const PORTAL = '/access/ai-controls/mcp/portals/default'

/** Of one length each. */
const FORBIDDEN = 'bench_echo'
const UNKNOWN = ['bench_ecco', 'bench_ecko'] as const

const upstream = await startProgram('./upstream.ts')
const portal = await startPortal('process')
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
try {
  const token = await registerBench(portal, upstream.port)
  const { policies } = await portal.api<{ policies: (string | { id: string })[] }>('GET', PORTAL)
  const usual = policies.map((one) => (typeof one === 'string' ? one : one.id))
  const deny = await portal.api<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'Not that one', decision: 'deny', include: [{ everyone: {} }] },
    capabilities: [{ servers: ['bench'], kinds: ['tool'], names: ['echo'] }],
  })
  await portal.api('PUT', PORTAL, { policies: [deny.id, ...usual] })
  for (let i = 0; i < WARM_UP; i++) await timed(token, i % 2 === 0 ? FORBIDDEN : UNKNOWN[0])
  const pairs = [
    ['forbidden and unknown', FORBIDDEN, UNKNOWN[0]],
    ['two that are unknown', UNKNOWN[0], UNKNOWN[1]],
  ] as const
  for (const [what, first, second] of pairs) {
    const [a, b] = await measure(token, first, second)
    const { distance, p } = kolmogorovSmirnov(a, b)
    const told = p > LEAST_P ? 'alike' : 'TOLD APART'
    console.log(
      `${what}: D ${distance.toFixed(4)}, p ${p.toFixed(4)} (${told}), medians ${median(a).toFixed(1)} and ${median(b).toFixed(1)} us, ${samples} calls each`,
    )
  }
} finally {
  agent.destroy()
  await portal.stop()
  await upstream.stop()
}

/** @returns microseconds of each call, of the one and of the other */
async function measure(token: string, first: string, second: string): Promise<[number[], number[]]> {
  const times: [number[], number[]] = [[], []]
  while (times[0].length < samples || times[1].length < samples) {
    const which = Math.random() < 0.5 ? 0 : 1
    const taken = await timed(token, which === 0 ? first : second)
    if (times[which].length < samples) times[which].push(taken)
  }
  return times
}

/** One call, from the first byte sent to the last one read. @throws Error where it is not answered as unknown */
function timed(token: string, name: string): Promise<number> {
  const body = JSON.stringify(request2026('tools/call', { name, arguments: { message: 'hello' } }))
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': Buffer.byteLength(body),
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
  }
  return new Promise((resolve, reject) => {
    const begun = process.hrtime.bigint()
    const sent = request({ agent, port: portal.port, path: '/mcp', method: 'POST', headers }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => {
        const taken = Number(process.hrtime.bigint() - begun) / 1000
        if (text.includes(`Unknown tool: ${name}`)) resolve(taken)
        else reject(new Error(`${response.statusCode}: ${text}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The greatest distance between two distributions, and how likely one that great is of equals (the limit for many samples). */
function kolmogorovSmirnov(a: readonly number[], b: readonly number[]): { distance: number; p: number } {
  const [first, second] = [a.toSorted((x, y) => x - y), b.toSorted((x, y) => x - y)]
  let distance = 0
  let i = 0
  let j = 0
  while (i < first.length && j < second.length) {
    const at = Math.min(first[i] as number, second[j] as number)
    while (i < first.length && (first[i] as number) <= at) i++
    while (j < second.length && (second[j] as number) <= at) j++
    distance = Math.max(distance, Math.abs(i / first.length - j / second.length))
  }
  const size = Math.sqrt((a.length * b.length) / (a.length + b.length))
  const scaled = (size + 0.12 + 0.11 / size) * distance
  // The series says nothing of distances as small as these.
  if (scaled < 0.3) return { distance, p: 1 }
  let p = 0
  for (let k = 1; k <= 100; k++) p += 2 * (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * scaled * scaled)
  return { distance, p: Math.min(1, Math.max(0, p)) }
}
