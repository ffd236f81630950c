/** What the pages about servers say. */
export const SERVERS = {
  status: { ready: 'Ready', waiting: 'Waiting', stale: 'Sync required', error: 'Error' },
  columns: { name: 'Name', status: 'Status', where: 'Where', tools: 'Tools', synced: 'Last sync' },
  none: {
    title: 'No servers yet',
    says: 'A server is an MCP server that the portal stands in front of. Add one by its URL; the portal looks what it is.',
    add: 'Add a server',
  },
} as const
