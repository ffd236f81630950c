import { expect, test } from 'vitest'
import type { Directory } from './directory.ts'
import { resourcesOf } from './resources.ts'
import type { PortalSpec } from './spec.ts'

const MAIN = { id: 'main' } as PortalSpec
const directory = {
  byHostname: (name: string) => (name === 'mcp.acme.test' ? MAIN : undefined),
  byId: (id: string) => (id === 'main' ? MAIN : undefined),
} as unknown as Directory

const { portalOf } = resourcesOf(directory, {
  issuer: 'https://mcp.acme.test',
  hostname: (header) => (header === 'mcp.acme.test' ? header : null),
  originOf: (host) => `https://${host}`,
})

const ours = [
  'https://mcp.acme.test/mcp',
  'https://mcp.acme.test/',
  'https://mcp.acme.test/p/main/mcp',
  'https://mcp.acme.test/p/main/s/git/mcp',
  'https://mcp.acme.test/mcp?codemode=search_and_execute',
  'https://mcp.acme.test/mcp?optimize_context=minimize_tools&codemode=off',
]
for (const resource of ours) test(`${resource} is the portal`, () => expect(portalOf(resource)).toBe(MAIN))

const others = [
  'https://mcp.acme.test/mcp?codemode=off&next=https://evil.test',
  'https://mcp.acme.test/mcp?x=1',
  'https://mcp.acme.test/mcp#x',
  'https://evil@mcp.acme.test/mcp',
  'http://mcp.acme.test/mcp',
  'https://evil.test/mcp',
  'https://mcp.acme.test/p/other/mcp',
  'https://mcp.acme.test/admin',
  'no address',
]
for (const resource of others) test(`${resource} is none of ours`, () => expect(portalOf(resource)).toBeNull())
