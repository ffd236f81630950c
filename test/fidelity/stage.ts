/** The servers, started, and one portal in front of them: for each server a portal of its own within it, so that URIs have one owner. */
import { startFixture } from '../conformance/fixture/http.ts'
import { everythingStdio, startEverythingHttp, startEverythingProxy, startEverythingSse } from '../peers/servers.ts'
import { startTestPortal, type TestServer } from '../portal.ts'
import type { ServerName, Words } from './pair.ts'
import type { Place } from './probes.ts'
import { EVERYTHING, FIXTURE } from './words.ts'

const MCP = '/access/ai-controls/mcp'

export interface Stage {
  /** Where a client meets the server itself. */
  direct(server: ServerName): Place
  /** Where it meets the server behind the portal, as somebody of its own. */
  through(server: ServerName, who: string): Promise<{ url: string; token: string }>
  close(): Promise<void>
}

export const wordsOf = (server: ServerName): Words => (server === 'fixture' ? FIXTURE : EVERYTHING)

export async function openStage(): Promise<Stage> {
  await using closing = new AsyncDisposableStack()
  const [http, sse, proxy, fixture, portal] = await Promise.all([
    startEverythingHttp().then((peer) => closing.adopt(peer, ({ stop }) => stop())),
    startEverythingSse().then((peer) => closing.adopt(peer, ({ stop }) => stop())),
    startEverythingProxy().then((peer) => closing.adopt(peer, ({ stop }) => stop())),
    startFixture('dual').then((peer) => closing.adopt(peer, ({ close }) => close())),
    startTestPortal(),
  ])
  // First of all: what stands behind it ends after it.
  closing.defer(portal.close)
  const servers: (TestServer & { id: ServerName })[] = [
    { id: 'http', url: http.url },
    { id: 'sse', url: sse.url },
    { id: 'stdio', stdio: everythingStdio() },
    { id: 'proxy', url: proxy.url },
    { id: 'fixture', url: fixture.url },
  ]
  const must = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await portal.api<T>(method, path, body)
    if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body.result
  }
  await portal.furnish(servers)
  const { policies } = await must<{ policies: (string | { id: string })[] }>('GET', `${MCP}/portals/default`)
  const ids = policies.map((policy) => (typeof policy === 'string' ? policy : policy.id))
  for (const { id } of servers) {
    await must('PUT', `${MCP}/servers/${id}`, { relay: { sampling: true } })
    const made = { id, name: id, hostname: `${id}.example.com`, servers: [{ server_id: id }], policies: ids }
    await must('POST', `${MCP}/portals`, made)
  }
  const close = closing.move()
  const direct = { http, sse, stdio: everythingStdio(), proxy, fixture }
  return {
    direct: (server) => direct[server],
    through: async (server, who) => {
      const email = `${who.toLowerCase().replaceAll(' ', '-')}@acme.test`
      return { url: `${portal.url}/p/${server}/mcp`, token: await portal.userToken(email, server) }
    },
    close: () => close.disposeAsync(),
  }
}
