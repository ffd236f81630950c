/** A real server of 2026 with skills, made with the SDK; what it was asked is written down. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { loadSkills } from './conformance/fixture/skills.ts'

export interface SkillServer {
  url: string
  /** Method and URI, in order. */
  asked: string[]
  close(): Promise<void>
}

export async function startSkillServer(files?: Readonly<Record<string, string>>): Promise<SkillServer> {
  const skills = await loadSkills(files)
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'skills', version: '1.0.0' }, { capabilities: { tools: {}, resources: {} } })
    skills.attach(server)
    return server
  })
  const asked: string[] = []
  const serve = async (request: Request) => {
    const { method, params } = (await request.clone().json()) as { method: string; params?: { uri?: string } }
    asked.push(`${method} ${params?.uri ?? ''}`.trim())
    return handler.fetch(request)
  }
  const listener = getRequestListener(serve, { overrideGlobalObjects: false })
  const http = createServer((request, response) => void listener(request, response))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    asked,
    async close() {
      const closed = new Promise((resolve) => http.close(resolve))
      http.closeAllConnections()
      await closed
      await handler.close()
    },
  }
}
