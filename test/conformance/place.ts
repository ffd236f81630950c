/** Where a scenario is played: the suite's server behind a portal of its own, in a program that it may share with other scenarios. */
import type { TestPortal } from '../portal.ts'

const MCP = '/access/ai-controls/mcp'

export interface Place {
  /** Of the server, and of the portal before it. */
  id: string
  /** For MCP clients. */
  url: string
  /** Nothing of the program reaches for the server any more: the suite waits until all its connections have ended. */
  leave(): Promise<void>
}

/**
 * @param server how it is registered, its address among it
 * @param mapping how it stands in its portal
 */
export async function takePlace(portal: TestPortal, id: string, server: object, mapping: object = {}): Promise<Place> {
  await must(portal, 'POST', `${MCP}/servers`, { id, name: id, ...server })
  const { policies } = await must<{ policies: string[] }>(portal, 'GET', `${MCP}/portals/default`)
  const servers = [{ server_id: id, ...mapping }]
  await must(portal, 'POST', `${MCP}/portals`, { id, name: id, hostname: `${id}.test`, policies, servers })
  return {
    id,
    url: `${portal.url}/p/${id}/mcp`,
    leave: async () => {
      await must(portal, 'DELETE', `${MCP}/portals/${id}`)
      await must(portal, 'DELETE', `${MCP}/servers/${id}`)
    },
  }
}

/** @returns why its lists could not be read, or null */
export async function syncPlace(portal: TestPortal, { id }: Place): Promise<string | null> {
  const path = `${MCP}/servers/${id}/sync`
  const { status, error } = await must<{ status: string; error: string | null }>(portal, 'POST', path)
  return status === 'ready' ? null : `${status}: ${error}`
}

/** @returns the result, where there is one */
export async function must<T>(portal: TestPortal, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body.errors)}`)
  return answer.body.result
}
