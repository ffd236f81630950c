import { expect, test } from 'vitest'
import { route } from './urls.ts'

const cases: [string, ReturnType<typeof route>][] = [
  ['/mcp', { kind: 'mcp', portal: null, server: null }],
  ['/mcp?codemode=off', { kind: 'mcp', portal: null, server: null }],
  ['/p/default/mcp', { kind: 'mcp', portal: 'default', server: null }],
  ['/p/default/s/git-hub/mcp', { kind: 'mcp', portal: 'default', server: 'git-hub' }],
  ['/healthz', { kind: 'health' }],
  ['/readyz', { kind: 'ready' }],
  ['/', { kind: 'rest' }],
  ['/client/v4/accounts/default/access/policies?page=2', { kind: 'rest' }],
  ['/p/Default/mcp', { kind: 'rest' }],
  ['/p/default/mcp/', { kind: 'rest' }],
  ['/mcp/', { kind: 'rest' }],
  ['//mcp', { kind: 'bad' }],
  ['/p//mcp', { kind: 'bad' }],
  ['/p/a/../b/mcp', { kind: 'bad' }],
  ['/p/%2e%2e/mcp', { kind: 'bad' }],
  ['/client/v4/..', { kind: 'bad' }],
  ['/p/a%2fb/mcp', { kind: 'bad' }],
  ['/p/a;x=1/mcp', { kind: 'bad' }],
  ['/p\\a\\mcp', { kind: 'bad' }],
  ['http://evil.test/mcp', { kind: 'bad' }],
  ['*', { kind: 'bad' }],
  ['', { kind: 'bad' }],
]
for (const [target, expected] of cases) {
  test(`the target "${target}" is read as ${JSON.stringify(expected)}`, () => {
    expect(route(target)).toEqual(expected)
  })
}
