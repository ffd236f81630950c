/** A portal as a process of its own, with a server of each kind of credential, and a person and an admin who connect them. */
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from '../../../src/cli/program.ts'
import { type DatabaseKind, freshPostgres } from '../../databases.ts'
import { registerClient } from '../../oauth-client.ts'
import { Person } from '../../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../../portico-process.ts'
import { ask2026, bearer } from '../../raw-mcp.ts'
import { type Receiver, startReceiver } from '../../webhook-room.ts'
import { type HostileSite, startHostileSite } from '../hostile-site.ts'
import { connectAs } from '../oauth-upstream/connect.ts'
import { type RunningProvider, startProvider } from '../provider/start.ts'
import type { Echoing } from './model.ts'
import { type Knows, Planted } from './planted.ts'
import { startEchoing } from './start.ts'

const MCP = '/access/ai-controls/mcp'
const AT_PROVIDER = { client_id: 'portico', client_secret: 'the secret of the portal at its provider' }
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
/** Where alice connects an account by the pages. */
export const CONNECTED = ['own', 'older', 'manual'] as const
const SHARED = ['shared', 'machine', 'keyed']
const PATIENCE_MS = 60_000

/** A browser that writes down everything that the portal sent it. */
export class Watched extends Person {
  readonly seen: string[] = []
  readonly #portal: string

  constructor(portal: string, ...origins: string[]) {
    super(portal, ...origins)
    this.#portal = portal
  }

  protected override async send(url: string, init: RequestInit): Promise<Response> {
    const response = await super.send(url, init)
    if (new URL(url).origin !== this.#portal) return response
    const text = await response.text()
    const headers = [...response.headers].filter(([name]) => name !== 'location')
    this.seen.push(JSON.stringify(headers), this.#location(response), text)
    return new Response(text, response)
  }

  /** The way to an authorization server names the state that it is to bring back, and the way back to a client that client's own code. */
  #location(response: Response): string {
    const location = new URL(response.headers.get('location') ?? '/', this.#portal)
    if (location.origin !== this.#portal) for (const name of ['state', 'code']) location.searchParams.delete(name)
    return location.href
  }
}

export interface Parts {
  portal: PorticoProcess
  database: string | null
  provider: RunningProvider
  elsewhere: HostileSite
  receiver: Receiver
}

export class PlantedRoom {
  readonly planted = new Planted()
  readonly servers = new Map<string, Echoing>()
  readonly parts: Parts
  readonly alice: Watched
  readonly admin: Watched
  /** Of alice's MCP client. */
  token = ''
  readonly #drop: () => Promise<void>

  constructor(parts: Parts, drop: () => Promise<void>) {
    this.parts = parts
    this.#drop = drop
    const { portal, provider } = parts
    this.alice = new Watched(portal.url, provider.issuer)
    this.admin = new Watched(portal.url, provider.issuer)
  }

  all(change: Partial<Pick<Echoing, 'callWay' | 'tokenWay' | 'tellsTokens' | 'listsEcho'>>): void {
    for (const one of this.servers.values()) Object.assign(one, change)
  }

  server(id: string): Echoing {
    const found = this.servers.get(id)
    if (found === undefined) throw new Error(`there is no ${id}`)
    return found
  }

  async furnish(): Promise<void> {
    await this.#add('own', '2026', () => ({}))
    await this.#add('older', '2025', () => ({}))
    await this.#add('shared', '2026', () => ({}))
    await this.#add('manual', '2025', (at) => this.#manual(at))
    await this.#add('machine', '2026', () => this.#client('machine', 'client_credentials', 'client_secret_basic'))
    await this.#add('keyed', '2025', () => this.#keyed())
    await this.#add('company', '2026', () => this.#client('company', 'enterprise', 'client_secret_basic'))
    await this.#add('desk', '2026', () => ({
      ...{ auth_type: 'bearer', auth_credentials: this.plant('desk', 'pasted', 'both', 'pasted.by-an-admin-31415926') },
    }))
    const { portal, receiver } = this.parts
    const servers = [...this.servers.keys()].map((id) => ({ server_id: id, on_behalf: !SHARED.includes(id) }))
    await portal.api('PUT', `${MCP}/portals/default`, { servers })
    const hook = { name: 'On call', url: receiver.url, allow_private: [receiver.place] }
    const { secret } = await portal.api<{ secret: string }>('POST', '/webhooks', hook)
    this.plant('portal', 'webhook_secret', 'nobody', secret.replace(/^whsec_/, ''))
  }

  /** @returns the value */
  plant(server: string, kind: string, knows: Knows, value: string): string {
    this.planted.add(value, { server, kind, knows })
    return value
  }

  async #add(id: string, era: '2025' | '2026', more: (at: Echoing) => object): Promise<void> {
    const { elsewhere, portal } = this.parts
    const at = await startEchoing({
      ...{ id, era, planted: this.planted },
      ...{ elsewhere: elsewhere.origin, isPlain: id === 'own' },
    })
    this.servers.set(id, at)
    const server = { id, name: `Server ${id}`, hostname: at.url, allow_private: at.places, auth_type: 'oauth' }
    await portal.api('POST', `${MCP}/servers`, { ...server, ...more(at) })
  }

  #manual({ issuer }: Echoing): object {
    const [authorization_endpoint, token_endpoint] = [`${issuer}/authorize`, `${issuer}/token`]
    return {
      client_secret: this.plant('manual', 'client_secret', 'issuer', 'manual/secret+"of-the-client&%'),
      auth_credentials: JSON.stringify({
        auth_mode: 'manual',
        config: { issuer, authorization_endpoint, token_endpoint, revocation_endpoint: `${issuer}/revoke` },
        registration_info: { client_id: 'portico', token_endpoint_auth_method: 'client_secret_post' },
      }),
    }
  }

  #client(id: string, auth_mode: string, token_endpoint_auth_method: string): object {
    const registration_info = { client_id: 'portico', token_endpoint_auth_method }
    return {
      client_secret: this.plant(id, 'client_secret', 'issuer', `${id}/secret+"of-the-client&%`),
      auth_credentials: JSON.stringify({ auth_mode, registration_info }),
    }
  }

  #keyed(): object {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    for (const line of privateKey.split('\n'))
      if (line.length > 20 && !line.startsWith('-')) this.plant('keyed', 'private_key', 'nobody', line)
    const registration_info = { client_id: 'portico', token_endpoint_auth_method: 'private_key_jwt' }
    const auth_credentials = JSON.stringify({ auth_mode: 'client_credentials', registration_info })
    return { client_secret: privateKey, auth_credentials }
  }

  /** By the company's provider, on the way to let a client in. */
  async signIn(): Promise<void> {
    const { portal, provider } = this.parts
    const { id } = await portal.api<{ id: string }>('POST', '/access/identity_providers', {
      ...{ name: 'Acme account', type: 'oidc' },
      config: {
        ...{ ...AT_PROVIDER, issuer: provider.issuer, email_domains: ['acme.test'] },
        allow_private: [provider.place],
      },
    })
    const redirect_uris = [`${portal.url}/sign-in/to/${id}/callback`]
    const more = { grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE] }
    await provider.addClient({ ...AT_PROVIDER, redirect_uris, more })
    this.plant('portal', 'provider_secret', 'nobody', AT_PROVIDER.client_secret)
    const client = await registerClient(portal.url)
    const { url, challenge } = client.authorizeUrl()
    const asked = await this.alice.submit(await this.alice.open(url), `/sign-in/to/${id}`)
    const consent = await this.alice.open(`${asked.url}?user=alice`)
    const back = await this.alice.submit(consent, new URL(consent.url).pathname, { decision: 'allow' })
    const { body } = await client.exchange(back.left?.searchParams.get('code') ?? '', challenge)
    this.token = this.plant('portal', 'caller_token', 'nobody', body.access_token)
  }

  async connect(id: string): Promise<void> {
    await connectAs(this.alice, { link: `${this.parts.portal.url}/connect/${id}`, account: 'alice' })
  }

  async paste(): Promise<void> {
    const { url } = this.parts.portal
    const token = this.plant('desk', 'pasted', 'both', 'pasted.by-alice/27182818+x~')
    await this.alice.submit(await this.alice.open(`${url}/connect/desk`), '/connect/desk', { token })
  }

  async connectShared(): Promise<void> {
    const { url } = await this.parts.portal.api<{ url: string }>('POST', `${MCP}/servers/shared/authorize`, {})
    this.plant('portal', 'link', 'nobody', new URL(url).searchParams.get('link') ?? '')
    await connectAs(this.admin, { link: url, account: 'alice' })
  }

  async sync(): Promise<void> {
    for (const id of this.servers.keys()) await this.parts.portal.api('POST', `${MCP}/servers/${id}/sync`)
  }

  /** Until a list has been read at each server of these with a token that came after what happened before. */
  async listed(ids: readonly string[], before: ReadonlyMap<string, number>): Promise<void> {
    const count = (id: string) => this.lists(id)
    const deadline = Date.now() + PATIENCE_MS
    while (ids.some((id) => count(id) <= (before.get(id) ?? 0))) {
      if (Date.now() > deadline) throw new Error(`not read: ${ids.map((id) => `${id} ${count(id)}`)}`)
      await this.tools()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** How often its tools were listed with a person's token, or a shared one. */
  lists(id: string): number {
    return this.server(id).mcp.seen.filter(({ body }) => body.includes('"tools/list"')).length
  }

  async tools(): Promise<string> {
    return (await ask2026(`${this.parts.portal.url}/mcp`, bearer(this.token), 'tools/list')).text
  }

  /** The program in this process, as `portico ARGV`. @returns all that it prints */
  async portico(...argv: string[]): Promise<string> {
    const { portal, database } = this.parts
    let out = ''
    const output = { write: (text: string) => (out += text), isTTY: true }
    const folder = dirname(portal.data)
    const env = {
      ...{ PATH: process.env.PATH ?? '', HOME: folder, PORTICO_DATA: portal.data },
      ...{ PORTICO_URL: portal.url, PORTICO_TOKEN: this.ownerToken() },
      ...(database === null ? {} : { DATABASE_URL: database }),
    }
    await run({ argv, env, cwd: folder, stdout: output, stderr: output })
    return out
  }

  ownerToken(): string {
    return readFileSync(join(this.parts.portal.data, 'admin-token'), 'utf8').trim()
  }

  async close(): Promise<void> {
    const { portal, elsewhere, receiver, provider } = this.parts
    await portal.end('SIGKILL')
    await portal.remove()
    await Promise.all([...this.servers.values()].map((one) => one.close()))
    await Promise.all([elsewhere.close(), receiver.close(), provider.stop()])
    await this.#drop()
  }
}

export async function openPlantedRoom(kind: DatabaseKind): Promise<PlantedRoom> {
  const postgres = kind === 'postgres' ? await freshPostgres(process.env.PORTICO_TEST_TEMPLATE) : null
  const database = postgres?.url ?? null
  const settings: Record<string, string> = database === null ? {} : { DATABASE_URL: database }
  const [portal, provider, elsewhere, receiver] = await Promise.all([
    // Its key is in a file, or what a backup says of it would be missing.
    startPorticoProcess({ ...settings, PORTICO_ENCRYPTION_KEY: '', LOG_LEVEL: 'debug' }),
    startProvider(),
    startHostileSite(() => ({ body: {} })),
    startReceiver(),
  ])
  const room = new PlantedRoom({ portal, database, provider, elsewhere, receiver }, async () => postgres?.drop())
  await room.signIn()
  await room.furnish()
  return room
}
