/** Handles of tasks: whose they are, and what opens none. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { GrantId, PortalUid, ServerUid, UserId } from '../base/ids.ts'
import { keyRing, openSealer, type SealPurpose } from '../base/secret.ts'
import type { Scene } from './scene.ts'
import { openTaskHandles } from './task-handles.ts'

const key = randomBytes(32)
const OF_2026 = { era: '2026', progress: null } as const
const NOTE = { server: 's1' as ServerUid, tool: 'run', hash: 'f'.repeat(64), id: 'their id, ü', ...OF_2026 }
const OPENED = { ...NOTE, hash: 'f'.repeat(32) }
let now = 1000

function handles({ keys = [key], purpose = 'task' as SealPurpose, since = 0 } = {}) {
  return openTaskHandles({
    sealer: openSealer(keyRing(keys), purpose),
    clock: { now: () => now, elapsed: () => now },
    since,
  })
}

interface Who {
  id?: string
  grant?: string
  portal?: string
  mounted?: boolean
}

/** As far as a handle is bound to it. */
function caller({ id = 'ada', grant = 'g1', portal = 'p1', mounted = false }: Who = {}) {
  const principal = { kind: 'user', id: id as UserId, grant: grant as GrantId }
  const visit = { principal, owner: `grant:${grant}`, spec: { uid: portal as PortalUid }, mounted }
  return { visit } as unknown as Pick<Scene, 'visit'>
}

// [TASK-2]
test('what was sealed opens for its caller, as it was; and twice the same is two handles', () => {
  const one = handles().seal(NOTE, caller()) ?? ''
  expect(handles().open(one, caller())).toEqual(OPENED)
  expect(handles().seal(NOTE, caller())).not.toBe(one)
  expect(one).toMatch(/^[\w.-]+$/)
  expect(one).not.toContain('their')
})

// [TASK-3]
test.each<[string, Who]>([
  ['another person', { id: 'bob' }],
  ['another grant', { grant: 'g2' }],
  ['another portal', { portal: 'p2' }],
  ['the mount of a server', { mounted: true }],
])('for %s it opens no more than what nobody made', (_who, other) => {
  const handle = handles().seal(NOTE, caller()) ?? ''
  expect(handles().open(handle, caller(other))).toBeNull()
})

// [TASK-3]
test('another key, another purpose, any other letter and what is no handle open nothing', () => {
  const handle = handles().seal(NOTE, caller()) ?? ''
  expect(handles({ keys: [randomBytes(32)] }).open(handle, caller())).toBeNull()
  expect(handles({ purpose: 'question' }).open(handle, caller())).toBeNull()
  for (const at of [3, 14, 30, 60, handle.length - 3]) {
    const changed = `${handle.slice(0, at)}${handle[at] === 'A' ? 'B' : 'A'}${handle.slice(at + 1)}`
    expect(handles().open(changed, caller())).toBeNull()
  }
  for (const odd of ['', '.', 'v1', 'v1....', 'x'.repeat(5000)]) expect(handles().open(odd, caller())).toBeNull()
})

test('a retired key opens what it sealed while it is kept', () => {
  const handle = handles().seal(NOTE, caller()) ?? ''
  expect(handles({ keys: [randomBytes(32), key] }).open(handle, caller())).toEqual(OPENED)
})

test('what was made before a restore is over', () => {
  now = 1000
  const handle = handles().seal(NOTE, caller()) ?? ''
  expect(handles({ since: 1001 }).open(handle, caller())).toBeNull()
  expect(handles({ since: 1000 }).open(handle, caller())).toEqual(OPENED)
})

test('an id that a header of ours could not carry gets no handle', () => {
  expect(handles().seal({ ...NOTE, id: 'x'.repeat(400) }, caller())?.length).toBeLessThanOrEqual(1024)
  expect(handles().seal({ ...NOTE, id: 'x'.repeat(700) }, caller())).toBeNull()
})

// [TASK-2]
test('three portals, one before the other, carry an id of a tool whose name is not very long', () => {
  const names = { server: '0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b' as ServerUid, tool: 'x'.repeat(32) }
  now = Date.UTC(2026, 10, 22)
  let id = '550e8400-e29b-41d4-a716-446655440000'
  for (let portal = 0; portal < 3; portal++) id = handles().seal({ ...NOTE, ...names, id }, caller()) ?? ''
  expect(id.length).toBeGreaterThan(100)
})
