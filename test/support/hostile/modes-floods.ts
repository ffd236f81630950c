/** More than anybody asked for. Each runs with the machine for itself, so that the memory it costs is its own. */
import { strict as assert } from 'node:assert'
import { setTimeout as pause } from 'node:timers/promises'
import type { Mode } from './mode.ts'
import { answer, MARKER, OK, POSTS, TRANSPORTS, type Wire } from './wire.ts'

const CHUNK = 'x'.repeat(64 * 1024)
const MIB = 1024 * 1024

/** Writes until the other side has had enough. */
async function pour(wire: Wire, chunk: string): Promise<void> {
  while (await wire.write(chunk)) {}
}

export const FLOOD_MODES: readonly Mode[] = [
  {
    name: 'endless-json',
    transports: POSTS,
    attack: 'answers with JSON that never ends',
    defence: 'it is cut off',
    row: 'SEC-S10',
    isFlood: true,
    serve: {
      call(wire) {
        wire.response?.writeHead(200, { 'content-type': 'application/json' })
        return wire.write(answer(wire.id, '"result":{"x":"').slice(0, -1)).then(() => pour(wire, CHUNK))
      },
    },
    gets: 'upstream-bad-answer',
  },
  {
    name: 'huge-event',
    transports: TRANSPORTS,
    attack: 'sends an event, or a line, that never ends',
    defence: 'it is cut off',
    row: 'SEC-S10',
    isFlood: true,
    serve: {
      call: (wire) => wire.write(wire.transport === 'stdio' ? '{"x":"' : 'data: ').then(() => pour(wire, CHUNK)),
    },
    gets: 'upstream-bad-answer',
  },
  {
    name: 'notifications',
    transports: TRANSPORTS,
    attack: 'sends many megabytes of notifications before it answers',
    defence: 'they are dropped as they come and the answer arrives',
    row: 'SEC-G3',
    isFlood: true,
    serve: {
      async call(wire) {
        const one = JSON.stringify({
          jsonrpc: '2.0',
          method: 'notifications/message',
          params: { level: 'debug', data: `${MARKER}${CHUNK}` },
        })
        const framed = wire.transport === 'stdio' ? `${one}\n` : `data: ${one}\n\n`
        const most = (wire.transport === 'http-2026' ? 100 : 25) * MIB
        for (let sent = 0; sent < most; sent += framed.length) if (!(await wire.write(framed))) return
        wire.result(OK)
      },
    },
    gets: 'ok',
  },
  {
    name: 'progress-flood',
    transports: ['http-2026', 'stdio'],
    attack: 'sends 100 MiB of progress to a caller who does not read',
    defence: 'the stream is cut and not the memory filled',
    row: 'SEC-G3',
    isFlood: true,
    serve: {
      async call(wire, memory) {
        if (wire.progressToken === undefined) return wire.result(OK)
        const params = { progressToken: wire.progressToken, message: CHUNK }
        for (let n = 1; n < 1600; n++) {
          const one = JSON.stringify({
            jsonrpc: '2.0',
            method: 'notifications/progress',
            params: { ...params, progress: n },
          })
          if (await wire.write(wire.transport === 'stdio' ? `${one}\n` : `data: ${one}\n\n`)) continue
          memory.cut = true
          return
        }
        wire.result(OK)
      },
    },
    gets: 'ok',
    async check({ stall, seen, transport }) {
      await stall()
      while (transport !== 'stdio' && (await seen()).cut !== true) await pause(20)
    },
  },
  {
    name: 'stderr-flood',
    transports: ['stdio'],
    attack: 'writes megabytes to its stderr',
    defence: 'it is made to wait, the last of it is kept and the answer arrives',
    row: 'SEC-X7',
    isFlood: true,
    serve: {
      async call(wire) {
        const { writeSync } = await import('node:fs')
        for (let sent = 0; sent < 8 * MIB; sent += CHUNK.length) {
          try {
            writeSync(2, CHUNK)
          } catch {
            sent -= CHUNK.length
          }
        }
        wire.result(OK)
      },
    },
    gets: 'ok',
  },
  {
    name: 'changes-storm',
    transports: TRANSPORTS,
    attack: 'says thousands of times that its lists changed',
    defence: 'they are read again now and then, not each time',
    row: 'SEC-S10',
    isFlood: true,
    serve: {
      async call(wire) {
        for (let n = 0; n < 5000; n++) wire.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
        wire.result(OK)
      },
    },
    gets: 'ok',
    async check({ transport, seen }) {
      if (transport !== 'stdio') assert.ok((await seen()).listings < 20)
    },
  },
]
