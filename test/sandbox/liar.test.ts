/**
 * A process of the sandbox that was taken over from within: whatever it says, its own run is lost, nothing is called that
 * the run may not call, and the portal's process and other sandboxes go on.
 */
import { expect, onTestFinished, test } from 'vitest'
import { jobOf, open, useSandbox } from './room.ts'

const honest = useSandbox({ processes: 1 })

/** Speaks the frames, says that it is ready, and then does what it is told to at its run. */
const program = (deed: string) => `
  const send = (head, body = '') => raw(typeof head === 'string' ? head : JSON.stringify(head), body)
  const raw = (head, body) => {
    const [h, b, prefix] = [Buffer.from(head), Buffer.from(body), Buffer.alloc(8)]
    prefix.writeUInt32BE(h.length, 0)
    prefix.writeUInt32BE(b.length, 4)
    process.stdout.write(Buffer.concat([prefix, h, b]))
  }
  send({ kind: 'ready' })
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'))
  process.stdin.on('data', (bytes) => {
    const head = JSON.parse(bytes.toString('utf8', 8, 8 + bytes.readUInt32BE(0)))
    if (head.kind !== 'run') return
    const { run } = head
    ${deed}
  })
`

const LIES: Record<string, string> = {
  'bytes that are no frame': `process.stdout.write(Buffer.alloc(100_000, 0xff))`,
  'a head that is too long': `raw('{"kind":"' + 'x'.repeat(5000) + '"}', '')`,
  'a body of four gigabytes': `const p = Buffer.alloc(8); p.writeUInt32BE(2, 0); p.writeUInt32BE(0xffffffff, 4); process.stdout.write(p)`,
  'a head that is no JSON': `raw('{"kind":', '')`,
  'a head that is a list': `raw('[1]', '')`,
  'a head that is null': `raw('null', '')`,
  'a kind that nobody knows': `send({ kind: 'hello', run })`,
  'ready once more': `send({ kind: 'ready' })`,
  'free in the midst of a run': `send({ kind: 'free', worn: false })`,
  'a result for another run': `send({ kind: 'returned', run: run + 1 }, '1')`,
  'a result for a run as text': `send({ kind: 'returned', run: String(run) }, '1')`,
  'a call for the run before': `send({ kind: 'call', run: run - 1, call: 1, index: 0 }, '1')`,
  'a call of a function that there is not': `send({ kind: 'call', run, call: 1, index: 2 }, '1')`,
  'a call of a function before the first': `send({ kind: 'call', run, call: 1, index: -1 }, '1')`,
  'a call of half a function': `send({ kind: 'call', run, call: 1, index: 0.5 }, '1')`,
  'a call of a function by name': `send({ kind: 'call', run, call: 1, index: 'other' }, '1')`,
  'a call of the length of the list': `send({ kind: 'call', run, call: 1, index: 'length' }, '1')`,
  'a call out of turn': `send({ kind: 'call', run, call: 2, index: 0 }, '1')`,
  'a call without a number': `send({ kind: 'call', run, index: 0 }, '1')`,
  'a call whose input is no JSON': `send({ kind: 'call', run, call: 1, index: 0 }, '{"a":')`,
  'a call whose input closes what stands around it': `send({ kind: 'call', run, call: 1, index: 0 }, '1},"method":{"a":1')`,
  'a call without input': `send({ kind: 'call', run, call: 1, index: 0 })`,
  'a result that is no JSON': `send({ kind: 'returned', run }, '[1')`,
  'a result of undefined': `send({ kind: 'returned', run }, 'undefined')`,
  'an error without a message': `send({ kind: 'threw', run }, '{}')`,
  'an error whose message is an object': `send({ kind: 'threw', run }, '{"message":{"toString":1}}')`,
  'an error that is null': `send({ kind: 'threw', run }, 'null')`,
  'a stop for a reason of its own': `send({ kind: 'stopped', run, why: 'busy' })`,
  'a stop for a reason that is an object': `send({ kind: 'stopped', run, why: { toString: 1 } })`,
  'a line of a level that there is not': `send({ kind: 'console', run, level: '__proto__' }, 'x')`,
  'a flood of lines': `for (let i = 0; i < 1e5; i++) send({ kind: 'console', run, level: 'log' }, 'x'.repeat(100))`,
  'a flood of empty lines': `for (let i = 0; i < 1e5; i++) send({ kind: 'console', run, level: 'log' })`,
  'a flood of errors': `process.stderr.write('x'.repeat(1e7))`,
  'its own end': `process.exit(0)`,
  'its own end by a signal': `process.kill(process.pid, 'SIGABRT')`,
  'a closed pipe': `process.stdout.destroy(); process.stdout.end(); setTimeout(() => process.exit(1), 200)`,
}

// [SANDBOX-7]
test.each(Object.entries(LIES))('%s loses the run, and nothing is called', async (_, deed) => {
  const liar = await open({ processes: 1, program: program(deed) })
  onTestFinished(() => liar.close())
  const called: unknown[] = []
  const call = async () => called.push(1)
  const [end, beside] = await Promise.all([
    liar.run(jobOf('async () => 1', { call })),
    honest.value('async () => codemode.echo("fine")'),
  ])
  expect(end).toMatchObject({ kind: 'stopped', why: 'lost' })
  expect(beside).toBe('fine')
  expect(called).toEqual([])
  expect(JSON.stringify(end.console).length).toBeLessThan(200_000)
  expect(Object.keys(Object.prototype)).toEqual([])
})

const LATE: Record<string, string> = {
  'a second result': `send({ kind: 'returned', run }, '"forged"')`,
  'a call': `send({ kind: 'call', run, call: 1, index: 0 }, '1')`,
  'a line': `send({ kind: 'console', run, level: 'log' }, 'late')`,
  'bytes that are no frame': `process.stdout.write(Buffer.alloc(1000, 0xff))`,
  'nothing at all': ``,
}
test.each(Object.entries(LATE))(
  '%s after the end changes nothing, and the process is no longer used',
  async (_, deed) => {
    const body = `send({ kind: 'returned', run }, String(process.pid)); ${deed}`
    const liar = await open({ processes: 1, program: program(body) })
    onTestFinished(() => liar.close())
    const called: unknown[] = []
    const end = await liar.run(jobOf('async () => 1', { call: async () => called.push(1) }))
    expect(end).toMatchObject({ kind: 'returned', console: [], calls: 0 })
    expect(await liar.run(jobOf('async () => 1'))).toMatchObject({ kind: 'returned' })
    expect(called).toEqual([])
  },
)

test('more calls than a run may make are not made, whoever counts', async () => {
  const deed = `for (let call = 1; call <= 10; call++) send({ kind: 'call', run, call, index: 0 }, '1')`
  const liar = await open({ processes: 1, program: program(deed) })
  onTestFinished(() => liar.close())
  const called: unknown[] = []
  const end = await liar.run(jobOf('async () => 1', { call: async () => called.push(1), budget: { calls: 3 } }))
  expect(end).toMatchObject({ kind: 'stopped', why: 'calls', calls: 3 })
  expect(called).toHaveLength(3)
})

test('a process that says nothing ends by the clock of the portal', async () => {
  const liar = await open({ processes: 1, program: program('for (;;);') })
  onTestFinished(() => liar.close())
  const end = await liar.run(jobOf('async () => 1', { budget: { wallMs: 300 } }))
  expect(end).toMatchObject({ kind: 'stopped', why: 'wall' })
})

test('a program that never comes up is told as lost, not waited for', async () => {
  const broken = await open({ processes: 2, program: 'throw new Error("broken")' })
  onTestFinished(() => broken.close())
  const ends = await Promise.all([1, 2, 3].map(() => broken.run(jobOf('async () => 1'))))
  expect(ends.map((end) => end.kind === 'stopped' && end.why)).toEqual(['lost', 'lost', 'lost'])
})
