/**
 * `node bench/context/capture.ts [ID...]`: installs each server of `servers.ts` into a directory of its own, without running scripts of
 * packages, starts it in a network namespace that leads nowhere, lists its tools and writes them as they came to
 * `catalogs/<id>.json`. Only for renewing the catalogs, by hand and on Linux: everything else reads what stands there.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { z } from 'zod'
import { processEnvironment } from '../../src/config.ts'
import { CATALOGS, type Catalog, catalogText, type ToolDefinition } from './catalogs.ts'
import { type CapturedServer, SERVERS } from './servers.ts'

const PERMISSIVE = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'MIT AND Apache-2.0']
const LIST_MS = 60_000
const run = promisify(execFile)
/** Tools as they came: a shape that names their fields would put them in its own order. */
const page = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() })
const manifest = z.object({
  version: z.string(),
  license: z.string(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]),
})

const wanted = process.argv.slice(2)
for (const server of SERVERS) {
  if (wanted.length > 0 && !wanted.includes(server.id)) continue
  try {
    const catalog = await capture(server)
    await writeFile(join(CATALOGS, `${server.id}.json`), catalogText(catalog))
    console.log(`${server.id}: ${catalog.tools.length} tools, ${catalog.licence}`)
  } catch (error) {
    console.error(`${server.id}: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}

async function capture(server: CapturedServer): Promise<Catalog> {
  const dir = await mkdtemp(join(tmpdir(), 'portico-catalog-'))
  try {
    const { name, version } = { name: server.package, version: server.version }
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', dir, `${name}@${version}`]
    await run('npm', install, { cwd: dir, timeout: 300_000 })
    const home = join(dir, 'node_modules', name)
    const { bin, license } = manifest.parse(JSON.parse(await readFile(join(home, 'package.json'), 'utf8')))
    const licence = server.licence ?? license
    if (!PERMISSIVE.includes(licence))
      throw new Error(`its licence is ${licence}; only permissive ones may be kept here`)
    const program = typeof bin === 'string' ? bin : (bin[server.bin ?? ''] ?? Object.values(bin)[0] ?? '')
    const tools = await listTools([join(home, program), ...(server.args ?? [])], dir, server.env ?? {})
    return { server: server.id, package: name, version, licence, tools }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function listTools(
  command: readonly string[],
  home: string,
  env: Readonly<Record<string, string>>,
): Promise<ToolDefinition[]> {
  const transport = new StdioClientTransport({
    command: 'unshare',
    args: ['--map-root-user', '--net', process.execPath, ...command],
    env: { PATH: processEnvironment().PATH ?? '', HOME: home, ...env },
    cwd: home,
    stderr: 'ignore',
  })
  const client = new Client({ name: 'capture', version: '1.0.0' })
  try {
    await client.connect(transport, { timeout: LIST_MS })
    const tools: unknown[] = []
    let cursor: string | undefined
    do {
      const params = cursor === undefined ? {} : { cursor }
      const answer = await client.request({ method: 'tools/list', params }, page, { timeout: LIST_MS })
      tools.push(...answer.tools)
      cursor = answer.nextCursor
    } while (cursor !== undefined)
    if (tools.length === 0) throw new Error('it lists no tools')
    return tools as ToolDefinition[]
  } finally {
    await client.close()
  }
}
