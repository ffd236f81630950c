/** The part of the table that looks: at an address that is no server yet, and at the processes of one that is. */
import { z } from 'zod'
import { probeShown, processShown, serverProbe } from '../contract/server-look.ts'
import { probeServer } from './probe-server.ts'
import { type Route, route } from './route.ts'
import { listProcesses } from './server-processes.ts'

const SERVERS = '/access/ai-controls/mcp/servers'

export const SERVER_LOOK_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: `${SERVERS}/probe`,
    right: 'servers:write',
    summary: 'Look what an address is before it becomes a server; nothing is kept',
    body: serverProbe,
    result: probeShown,
    handler: probeServer,
  }),
  route({
    method: 'GET',
    path: `${SERVERS}/{id}/processes`,
    right: 'servers:read',
    summary: 'List the child processes of a stdio server, in the portal process that answers',
    result: z.array(processShown),
    handler: listProcesses,
  }),
]
