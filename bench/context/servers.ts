/**
 * Which real MCP servers the catalogs are of, each pinned, all of permissive licences. What stands in `env` is no credential: a server
 * that wants one before it lists gets a word that opens nothing, and it lists without a network.
 */
export interface CapturedServer {
  /** Also the file's name and the server's id behind the portal. */
  id: string
  package: string
  version: string
  /** Which program of the package, where it brings several. */
  bin?: string
  args?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** By SPDX, where the package only points to a text. */
  licence?: string
}

const NONE = 'none-this-is-no-credential'
/** The package points to its repository's text: MIT, and Apache-2.0 for what was added since. */
const REFERENCE = 'MIT AND Apache-2.0'

export const SERVERS: readonly CapturedServer[] = [
  { id: 'airtable', package: 'airtable-mcp-server', version: '1.14.0', env: { AIRTABLE_API_KEY: NONE } },
  {
    id: 'brave',
    package: '@brave/brave-search-mcp-server',
    version: '2.1.4',
    args: ['--transport', 'stdio'],
    env: { BRAVE_API_KEY: NONE },
  },
  { id: 'chrome', package: 'chrome-devtools-mcp', version: '1.11.0' },
  { id: 'circleci', package: '@circleci/mcp-server-circleci', version: '0.20.0', env: { CIRCLECI_TOKEN: NONE } },
  {
    id: 'cloudflare',
    package: '@cloudflare/mcp-server-cloudflare',
    version: '0.2.0',
    args: ['run', '0123456789abcdef0123456789abcdef'],
    env: { CLOUDFLARE_API_TOKEN: NONE },
  },
  { id: 'context7', package: '@upstash/context7-mcp', version: '4.1.1' },
  { id: 'everything', package: '@modelcontextprotocol/server-everything', version: '2026.8.31', licence: REFERENCE },
  {
    id: 'filesystem',
    package: '@modelcontextprotocol/server-filesystem',
    version: '2026.8.31',
    licence: REFERENCE,
    args: ['/tmp'],
  },
  { id: 'firecrawl', package: 'firecrawl-mcp', version: '3.26.0', env: { FIRECRAWL_API_KEY: NONE } },
  {
    id: 'github',
    package: '@modelcontextprotocol/server-github',
    version: '2025.4.8',
    env: { GITHUB_PERSONAL_ACCESS_TOKEN: NONE },
  },
  {
    id: 'gitlab',
    package: '@zereight/mcp-gitlab',
    version: '2.1.64',
    env: { GITLAB_PERSONAL_ACCESS_TOKEN: NONE, USE_GITLAB_WIKI: 'true', USE_MILESTONE: 'true', USE_PIPELINE: 'true' },
  },
  { id: 'kubernetes', package: 'mcp-server-kubernetes', version: '4.1.7' },
  {
    id: 'mapbox',
    package: '@mapbox/mcp-server',
    version: '0.14.0',
    env: { MAPBOX_ACCESS_TOKEN: 'pk.eyJ1Ijoibm9ib2R5In0.none' },
  },
  { id: 'memory', package: '@modelcontextprotocol/server-memory', version: '2026.8.31', licence: REFERENCE },
  { id: 'mongodb', package: 'mongodb-mcp-server', version: '3.0.4', env: { MDB_MCP_TELEMETRY: 'disabled' } },
  { id: 'notion', package: '@notionhq/notion-mcp-server', version: '2.5.2', env: { NOTION_TOKEN: NONE } },
  { id: 'playwright', package: '@playwright/mcp', version: '0.0.83' },
  {
    id: 'postman',
    package: '@postman/postman-mcp-server',
    version: '2.13.0',
    args: ['--full'],
    env: { POSTMAN_API_KEY: NONE },
  },
  {
    id: 'slack',
    package: '@modelcontextprotocol/server-slack',
    version: '2025.4.25',
    env: { SLACK_BOT_TOKEN: NONE, SLACK_TEAM_ID: 'T00000000' },
  },
  { id: 'tavily', package: 'tavily-mcp', version: '0.2.22', env: { TAVILY_API_KEY: NONE } },
  {
    id: 'thinking',
    package: '@modelcontextprotocol/server-sequential-thinking',
    version: '2026.8.31',
    licence: REFERENCE,
  },
]
