import { expect, test } from 'vitest'
import type { PortalUid, ServerUid } from '../base/ids.ts'
import type { JsonObject } from '../protocol/model.ts'
import { bindingOf } from './binding.ts'
import type { Entry } from './catalog.ts'
import type { Target } from './target.ts'

const ASKED = { principal: 'user:ada', owner: 'grant:g1', portalUid: 'p1' as PortalUid }
const REQUEST = { method: 'tools/call', params: { name: 'post', arguments: { a: 1, b: [2] } } as JsonObject }

function tool(more: { server?: string; original?: string; hash?: string; kind?: 'tool' | 'prompt' } = {}): Target {
  const { server = 's1', original = 'post', hash = 'h1', kind = 'tool' } = more
  const entry = { server: { uid: server as ServerUid }, kind, original, hash } as Entry
  return { kind: 'capability', name: 'post', entry }
}

const good = bindingOf(ASKED, tool(), REQUEST, false)

test.each<[string, string]>([
  ['another person', bindingOf({ ...ASKED, principal: 'user:bob' }, tool(), REQUEST, false)],
  ['another grant', bindingOf({ ...ASKED, owner: 'grant:g2' }, tool(), REQUEST, false)],
  ['another portal', bindingOf({ ...ASKED, portalUid: 'p2' as PortalUid }, tool(), REQUEST, false)],
  ['the same name on the mount of its server', bindingOf(ASKED, tool(), REQUEST, true)],
  ['another method', bindingOf(ASKED, tool(), { ...REQUEST, method: 'prompts/get' }, false)],
  ['the same name on another server’s mount', bindingOf(ASKED, tool({ server: 's2' }), REQUEST, false)],
  ['another tool behind the same name', bindingOf(ASKED, tool({ original: 'put' }), REQUEST, false)],
  ['a prompt of the same name', bindingOf(ASKED, tool({ kind: 'prompt' }), REQUEST, false)],
  ['a definition that changed since', bindingOf(ASKED, tool({ hash: 'h2' }), REQUEST, false)],
  ['a tool of the portal', bindingOf(ASKED, { kind: 'builtin', name: 'post' }, REQUEST, false)],
  [
    'other arguments',
    bindingOf(ASKED, tool(), { ...REQUEST, params: { name: 'post', arguments: { a: 1, b: [3] } } }, false),
  ],
  ['no arguments', bindingOf(ASKED, tool(), { ...REQUEST, params: { name: 'post' } }, false)],
])('a state is not good for %s', (_, other) => {
  expect(other).not.toBe(good)
})

test('a state is good for the same request, in whatever order its members come, with what it brings along', () => {
  const params = { requestState: 's', arguments: { b: [2], a: 1 }, inputResponses: { k: {} }, name: 'post' }
  expect(bindingOf(ASKED, tool(), { ...REQUEST, params }, false)).toBe(good)
})
