/** Very many servers behind one portal, registered as an admin does it, each synced once. */
import type { BenchPortal } from './portal.ts'
import type { Running } from './processes.ts'

/** @param behind the program that answers for the server of this number */
export async function registerServers(
  portal: BenchPortal,
  count: number,
  behind: (index: number) => Running,
): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => `s${index}`)
  for (const [index, id] of ids.entries()) {
    await portal.api('POST', '/access/ai-controls/mcp/servers', {
      id,
      name: id,
      hostname: `http://127.0.0.1:${behind(index).port}/${id}`,
      auth_type: 'unauthenticated',
    })
  }
  const servers = ids.map((id) => ({ server_id: id }))
  await portal.api('PUT', '/access/ai-controls/mcp/portals/default?detail=counts', { servers })
}
