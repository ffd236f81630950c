/**
 * What we use of oidc-provider, which comes without types. This is the only file that imports it; the shapes are those of version 9.13, and
 * the tests of the authorization server fail where a later one differs.
 */
import type { NodeRequest, NodeResponse } from './node.ts'
import './known-runtime.ts'
// @ts-expect-error: it comes without types; those that we use are below.
import * as library from 'oidc-provider'

/** A Koa context, with what oidc-provider adds. */
export interface Context {
  method: string
  path: string
  url: string
  /** As `prepare.ts` wrote it there. */
  ip: string
  req: NodeRequest & { body?: unknown }
  res: NodeResponse
  status: number
  type: string
  body: unknown
  query: Record<string, string | string[] | undefined>
  get(header: string): string
  set(header: string, value: string): void
  append(header: string, value: string): void
  response: { get(header: string): string }
  oidc: {
    route: string
    params: Record<string, unknown>
    client?: Client
    result?: { login?: unknown; consent?: { grantId?: string } }
    entities: Record<string, Model | undefined>
    provider: Provider
  }
}

export interface Client {
  clientId: string
  clientName?: string | undefined
  redirectUris?: string[] | undefined
  clientSecret?: string | undefined
  /** It came from a client metadata document. */
  clientIdMetadataDocument?: boolean
  grantTypeAllowed(type: string): boolean
}

export interface Model {
  jti: string
  kind: string
  exp: number
  save(ttl?: number): Promise<string>
  readonly remainingTTL: number
  /** Of a grant. */
  addResourceScope(resource: string, scope: string): void
  [member: string]: unknown
}

interface ModelClass {
  new (payload: Record<string, unknown>): Model
  prototype: { generateTokenId(this: Model): string }
  find(id: string, options?: { ignoreExpiration?: boolean }): Promise<Model | undefined>
}

/** What an adapter keeps; by RFC and library the members vary, and only these are looked at here. */
export interface Payload {
  jti?: string
  kind?: string
  iat?: number
  exp?: number
  accountId?: string
  clientId?: string
  grantId?: string
  uid?: string
  userCode?: string
  scope?: string
  consumed?: unknown
  [member: string]: unknown
}

export interface Adapter {
  upsert(id: string, payload: Payload, expiresIn?: number): Promise<void>
  find(id: string): Promise<Payload | undefined>
  findByUid(uid: string): Promise<Payload | undefined>
  findByUserCode(userCode: string): Promise<Payload | undefined>
  consume(id: string): Promise<void>
  destroy(id: string): Promise<void>
  revokeByGrantId(grantId: string): Promise<void>
}

export interface Provider {
  issuer: string
  proxy: boolean
  AccessToken: ModelClass
  RefreshToken: ModelClass
  AuthorizationCode: ModelClass
  DeviceCode: ModelClass & { findByUserCode(code: string): Promise<Model | undefined> }
  Grant: ModelClass
  Interaction: ModelClass
  Client: {
    new (metadata: Record<string, unknown>): Client
    find(id: string): Promise<Client | undefined>
    prototype: object
  }
  use(middleware: (ctx: Context, next: () => Promise<void>) => Promise<void>): void
  on(event: string, listener: (...args: never[]) => void): void
  emit(event: string, ...args: unknown[]): boolean
  callback(): (request: NodeRequest, response: NodeResponse) => Promise<void>
}

interface Library {
  Provider: { new (issuer: string, configuration: object): Provider; readonly ctx: Context | undefined }
  errors: {
    InvalidClientAuth: new (message: string) => Error
    InvalidGrant: new (message: string) => Error
    InvalidTarget: new (message?: string) => Error
    InvalidRequest: new (message: string) => Error
  }
  interactionPolicy: {
    Prompt: new (info: { name: string; requestable: boolean }, ...checks: unknown[]) => unknown
    Check: {
      new (reason: string, description: string, error: string, check: (ctx: Context) => boolean): unknown
      REQUEST_PROMPT: true
      NO_NEED_TO_PROMPT: false
    }
  }
}

export const { Provider, errors, interactionPolicy } = library as unknown as Library

/** The context of the request that is being answered, or undefined outside of one. */
export function currentContext(): Context | undefined {
  return Provider.ctx
}
