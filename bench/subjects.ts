/** What is measured side by side: each in front of the same upstream, each given the same bytes. */
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchPortal, type Durability, startPortal } from './portal.ts'
import { freePort, type Running, startCommand, startProgram } from './processes.ts'

export const SUBJECTS = ['direct', 'relay', 'nginx', 'portal', 'portal-disk'] as const
export type SubjectName = (typeof SUBJECTS)[number]

export interface Caller {
  port: number
  /** Goes into the request; only the portal looks at it. */
  token: string
}

export interface Subject extends Running, Caller {
  name: SubjectName
}

const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'].find(existsSync)

/** Why a subject cannot be measured on this machine, or null. */
export function missing(name: SubjectName): string | null {
  return name === 'nginx' && NGINX === undefined ? 'nginx is not installed' : null
}

/** @param upstream the process behind; for `direct` it is the subject itself */
export async function startSubject(name: SubjectName, upstream: Running): Promise<Subject> {
  switch (name) {
    case 'direct':
      return { ...upstream, name, token: 'none', stop: async () => undefined }
    case 'relay': {
      const relay = await startProgram('./relay.ts', [`http://127.0.0.1:${upstream.port}`])
      return { ...relay, name, token: 'none' }
    }
    case 'nginx':
      return { ...(await startNginx(upstream.port)), name, token: 'none' }
    case 'portal':
      return { ...(await startFurnished(upstream.port, 'process')), name }
    case 'portal-disk':
      return { ...(await startFurnished(upstream.port, 'disk')), name }
  }
}

/** The same call for everyone; the era's headers and body agree, as a portal demands. */
export function callBytes(subject: Caller): string {
  const envelope = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
  }
  const params = { name: 'bench_echo', arguments: { message: 'hello' }, _meta: envelope }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  return [
    'POST /p/default/mcp HTTP/1.1',
    `Host: 127.0.0.1:${subject.port}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    'MCP-Protocol-Version: 2026-07-28',
    'Mcp-Method: tools/call',
    'Mcp-Name: bench_echo',
    `Authorization: Bearer ${subject.token}`,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

async function startNginx(upstreamPort: number): Promise<Running> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-nginx-'))
  // The worker runs as another user where this runs as root, and looks into its directory.
  await chmod(dir, 0o755)
  const port = await freePort()
  const config = join(dir, 'nginx.conf')
  await writeFile(config, nginxConfig(dir, port, upstreamPort))
  const command = [NGINX ?? 'nginx', '-p', dir, '-c', config, '-e', join(dir, 'error.log')] as const
  const running = await startCommand([...command], port, { probe: () => answers(port) })
  return {
    ...running,
    stop: async () => {
      await running.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function nginxConfig(dir: string, port: number, upstreamPort: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${dir}/${kind};`,
  )
  return `
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  keepalive_requests 100000000;
  upstream behind { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`
}

async function answers(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' })
  return response.status < 500
}

async function startFurnished(upstreamPort: number, durability: Durability): Promise<Running & { token: string }> {
  const portal = await startPortal(durability)
  try {
    const token = await registerBench(portal, upstreamPort)
    return { port: portal.port, pid: portal.pid, stop: portal.stop, token }
  } catch (error) {
    await portal.stop()
    throw error
  }
}

/** Registers the upstream as `bench` behind the default portal. @returns a user's access token there */
export async function registerBench(portal: BenchPortal, upstreamPort: number): Promise<string> {
  await portal.api('POST', '/access/ai-controls/mcp/servers', {
    id: 'bench',
    name: 'Bench',
    hostname: `http://127.0.0.1:${upstreamPort}/mcp`,
    auth_type: 'unauthenticated',
  })
  await portal.api('PUT', '/access/ai-controls/mcp/portals/default', { servers: [{ server_id: 'bench' }] })
  return portal.userToken()
}
