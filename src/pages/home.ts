/**
 * The portal's home: what it is, its address, and how a client is told of it. Readable by anyone who may reach the
 * listener, so it says nothing of servers, tools or people. It works without script and loads nothing from elsewhere.
 */
import { html } from 'hono/html'
import type { Directory } from '../portal/directory.ts'
import { page } from './page.ts'

/**
 * @param asked the name and origin that were asked for; they have passed the guard
 * @param publicUrl the public base URL, or null where the portal is reached on loopback
 */
export async function homePage(
  asked: { hostname: string; origin: string },
  directory: Directory,
  publicUrl: string | null,
): Promise<Response> {
  const portal = directory.byHostname(asked.hostname) ?? directory.byHostname('localhost')
  if (!portal) return notFoundPage()
  const endpoint = `${publicUrl ?? asked.origin}/mcp`
  const entry = { type: 'http', url: endpoint, headers: { Authorization: 'Bearer YOUR_TOKEN' } }
  const config = JSON.stringify({ mcpServers: { [portal.id]: entry } }, null, 2)
  return page(
    portal.name,
    html`<h1>${portal.name}</h1>
      ${portal.description === null ? '' : html`<p class="lead">${portal.description}</p>`}
      <p>One address for every MCP server your team uses. Give it to your client and you have the tools that you may use.</p>
      <label for="endpoint">Address</label>
      <input id="endpoint" readonly value="${endpoint}" />
      <h2>Claude Code</h2>
      <pre>claude mcp add --transport http ${portal.id} ${endpoint} --header "Authorization: Bearer YOUR_TOKEN"</pre>
      <h2>Cursor and other clients that read <code>mcpServers</code></h2>
      <pre>${config}</pre>
      <h2>A token</h2>
      <p>
        Ask the admin of this portal for an access token; your client sends it as <code>Authorization: Bearer</code>. Admins
        make one with:
      </p>
      <pre>portico token create --user you@example.com --portal ${portal.id}</pre>`,
    200,
  )
}

export function notFoundPage(): Promise<Response> {
  return page(
    'Not found',
    html`<h1>There is nothing here</h1>
      <p><a href="/">The portal's home</a> tells how to connect a client.</p>`,
    404,
  )
}
