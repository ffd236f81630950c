/** What a child of the real program is given: the program as it is started, with something left open in it. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { child } from '../child-scripts.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'

const SERVERS = '/access/ai-controls/mcp/servers'

let portal: PorticoProcess | undefined
let folder: string

afterEach(async () => {
  await portal?.end('SIGTERM')
  await portal?.remove()
  rmSync(folder, { recursive: true, force: true })
})

// [CHILD-4]
test('it has three descriptors, whatever was left open in the portal, and no variable of the portal', async () => {
  folder = mkdtempSync(join(tmpdir(), 'portico-child-'))
  const fd = openSync(join(folder, 'left-open'), 'w')
  // Above the first few, which Node looks after itself.
  portal = await startPorticoProcess(
    { PORTICO_TOKEN: 'canary-token', OPENAI_API_KEY: 'canary-other' },
    { inherited: { fd, at: 40 } },
  )
  closeSync(fd)
  // A shell, because Node opens some of its own at once. It asks by number: a listing would open one more.
  const look = 'i=0; while [ $i -lt 256 ]; do [ -h /proc/$$/fd/$i ] && all="$all $i"; i=$((i+1)); done'
  const script = `${look}; echo "$all" > "$1/fds"; env > "$1/env"; shift; exec "$@"`
  const { command, args } = child('')
  const transport = { type: 'stdio', command: '/bin/sh', args: ['-c', script, 'sh', folder, command, ...args] }
  const made = await portal.api<{ status: string }>('POST', SERVERS, {
    ...{ id: 'looker', name: 'Looker', hostname: 'stdio://looker', auth_type: 'unauthenticated' },
    transport,
  })
  expect(made.status).toBe('ready')
  expect(readFileSync(join(folder, 'fds'), 'utf8').trim()).toBe('0 1 2')
  const env = readFileSync(join(folder, 'env'), 'utf8')
  expect(env).toContain(`HOME=${join(portal.data, 'children')}`)
  expect(env).not.toMatch(/PORTICO|DATABASE|canary/)
})
