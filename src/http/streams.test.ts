/** What callers hold, counted: nothing is lost and nothing counted twice. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { openRaw } from '../../test/raw-socket.ts'
import { person } from '../../test/upstream-room.ts'
import { Answer } from './stream.ts'
import { Streams, Unread } from './streams.ts'

test('places are given back once, however often it is said', () => {
  const streams = new Streams({ streams: 2, streams_per_principal: 1 })
  const ada = streams.take(person('ada'))
  expect(streams.take(person('ada'))).toBe('caller')
  expect(streams.take({ ...person('ada'), grant: person('other').grant })).toBe('caller')
  const bob = streams.take(person('bob'))
  expect(streams.take(person('cy'))).toBe('process')
  if (typeof ada === 'string' || typeof bob === 'string') throw new Error('refused')
  ada()
  ada()
  expect(streams.open).toBe(1)
  expect(streams.take(person('ada'))).toBeTypeOf('function')
  expect(streams.take(person('cy'))).toBe('process')
})

async function serve(handle: (response: ServerResponse) => void) {
  const server = createServer((_, response) => handle(response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const connection = openRaw(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return { server, connection, ask: () => connection.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n') }
}

test('a reader that takes nothing for too long is cut off', async () => {
  const unread = new Unread(200)
  let isCut = false
  let watched = 0
  const { server, connection, ask } = await serve((response) => {
    response.end(Buffer.alloc(64 * 1024 * 1024, 'x'))
    unread.watch(response, person('ada'))
    watched = unread.callers
    response.on('close', () => {
      isCut = true
    })
  })
  connection.pause()
  ask()
  await expect.poll(() => isCut).toBe(true)
  expect(watched).toBe(1)
  expect(unread.callers).toBe(0)
  connection.destroy()
  server.close()
})

test('a reader that catches up is not watched any more, and its stream stays open', async () => {
  const unread = new Unread()
  const ada = person('ada')
  const opened: ServerResponse[] = []
  const { server, connection, ask } = await serve((response) => {
    opened.push(response)
    response.write(Buffer.alloc(16 * 1024 * 1024, 'x'))
    unread.watch(response, ada)
  })
  ask()
  await expect.poll(() => opened.length === 1 && unread.callers === 0).toBe(true)
  // The patience with readers that are behind is none of this one's any more.
  expect(opened[0]?.socket?.timeout).toBe(0)
  opened[0]?.write('still here')
  await connection.until(/still here/)
  expect(unread.isFull(ada)).toBe(false)
  connection.destroy()
  server.close()
})

test('what a client holds that left before anybody listened is given back', async () => {
  let givenBack = 0
  const { server, connection, ask } = await serve((response) => {
    response.once('close', () => {
      const asked = { response, headers: {}, cors: [] }
      const answer = new Answer(asked, true, person('ada'), {
        waiting: new Set(),
        standsBy: () => {},
        unread: new Unread(),
      })
      answer.onClose(() => givenBack++)
      answer.onAbandoned(() => givenBack++)
      answer.open()
      answer.standBy(() => answer.finish())
    })
    connection.destroy()
  })
  ask()
  await expect.poll(() => givenBack).toBe(2)
  server.close()
})
