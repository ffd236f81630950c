import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../base/fault.ts'
import { openSseParser, sseFrame } from './sse.ts'

function read(chunks: readonly Buffer[], cap = 1 << 20) {
  const events: { event: string; data: string }[] = []
  const parser = openSseParser(({ event, data }) => events.push({ event, data: data.toString() }), cap)
  for (const chunk of chunks) parser.push(chunk)
  return { events, id: parser.lastEventId(), retry: parser.retry() }
}
const readText = (text: string) => read([Buffer.from(text)])

describe('reading events', () => {
  test.each([
    ['LF', '\n'],
    ['CR', '\r'],
    ['CRLF', '\r\n'],
  ])('lines may end in %s', (_, end) => {
    const { events } = readText(['event: endpoint', 'data: /a', 'data:b', '', 'data', 'data', '', ''].join(end))
    expect(events).toEqual([
      { event: 'endpoint', data: '/a\nb' },
      { event: 'message', data: '\n' },
    ])
  })

  test('comments, unknown fields and a byte order mark are passed over', () => {
    expect(readText('\ufeffdata: a\n: keep-alive\nfoo: bar\n:\n\n').events).toEqual([{ event: 'message', data: 'a' }])
  })

  test('a priming event moves the last id and is nobody’s message', () => {
    const { events, id, retry } = readText('id: 7\nretry: 250\ndata:\n\n')
    expect(events).toEqual([])
    expect(id).toBe('7')
    expect(retry).toBe(250)
  })

  test('an id with NUL and a retry that is no number are ignored', () => {
    const { id, retry } = readText('id: 1\n\nid: a\0b\nretry: soon\n\n')
    expect(id).toBe('1')
    expect(retry).toBeNull()
  })

  test('an event cut off by the end of the stream is dropped', () => {
    expect(readText('data: a\n\ndata: b\n').events).toEqual([{ event: 'message', data: 'a' }])
  })

  test('the id of an event cut off by the end of the stream is not the last one: it would never come again', () => {
    expect(readText('id: 1\ndata: a\n\nid: 2\ndata: b\n').id).toBe('1')
  })

  test('an event name does not outlive its event', () => {
    expect(readText('event: x\n\ndata: a\n\n').events).toEqual([{ event: 'message', data: 'a' }])
  })

  test.each([
    ['one long line', ['data: ', 'x'.repeat(90), 'x'.repeat(90)]],
    ['many lines', Array.from({ length: 60 }, () => 'data: x\n')],
  ])('an event over the cap is a fault: %s', (_, chunks) => {
    expect(() =>
      read(
        chunks.map((chunk) => Buffer.from(chunk)),
        100,
      ),
    ).toThrow(Fault)
  })

  test('any chunking gives what the whole buffer gives', () => {
    const piece = fc.constantFrom(
      'data: ',
      'data:',
      'event: e',
      'id: 9',
      'retry: 5',
      ':',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'é😀',
      ' ',
      'x',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.array(fc.nat(), { maxLength: 20 }), (pieces, cuts) => {
        const whole = Buffer.from(pieces.join(''))
        const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length].sort((a, b) => a - b)
        const chunks = at.slice(1).map((to, i) => whole.subarray(at[i], to))
        expect(read(chunks)).toEqual(read([whole]))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('writing events', () => {
  // [CALLER-4]
  test('pretty-printed JSON with line ends of every kind arrives as one message with nothing injected', () => {
    const hostile = '{"a":1,\r\r event: endpoint\r\n\r\ndata: /evil\n\n"b":2}'
    const { events } = read([sseFrame(hostile)])
    expect(events).toHaveLength(1)
    expect(events[0]?.event).toBe('message')
    expect(events[0]?.data).toBe(hostile.replace(/\r\n|\r/g, '\n'))
  })

  test('any data comes back as it was, but for the kind of its line ends', () => {
    const data = fc.array(fc.constantFrom('\r', '\n', '\r\n', 'data: ', 'event: x', ':', 'id: 1', 'x'), {
      minLength: 1,
    })
    fc.assert(
      fc.property(data, (parts) => {
        const text = `{${parts.join('')}`
        const { events, id } = read([sseFrame(Buffer.from(text), { event: 'message' })])
        expect(events).toEqual([{ event: 'message', data: text.replace(/\r\n|\r/g, '\n') }])
        expect(id).toBeNull()
      }),
    )
  })

  test('id and event are written before the data', () => {
    expect(sseFrame('x', { id: '3', event: 'endpoint' }).toString()).toBe('event: endpoint\nid: 3\ndata: x\n\n')
  })

  test.each(['a\nb', 'a\rb', 'a\0b'])('an id that is not one line is a bug', (id) => {
    expect(() => sseFrame('x', { id })).toThrow('one line')
  })
})
