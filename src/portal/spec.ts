/** A portal as configured, everything resolved that does not depend on who calls. Made by `directory.ts`, replaced whole. */
import type { PortalId, PortalUid, ServerId, ServerUid } from '../base/ids.ts'
import type { CallLimit } from '../contract/limits-on-calls.ts'
import type { Label } from '../contract/reach.ts'
import type { ClientPolicy } from '../identity/oauth/clients/policy.ts'
import type { Coverage } from '../policy/coverage.ts'
import type { Asked } from '../policy/facts.ts'
import type { Policy } from '../policy/model.ts'
import type { Isolation, Relay, ResourceSettings } from '../upstream/model.ts'
import type { CodeMode, ContextMode } from './portal-store.ts'

export interface PortalSpec {
  uid: PortalUid
  id: PortalId
  hostname: string
  name: string
  description: string | null
  policies: readonly Policy[]
  /** Which policies, its own and its servers', speak of which capability. */
  coverage: Coverage
  /** What all these policies look at beside the caller. */
  asked: Asked
  limits: readonly CallLimit[]
  /** In lower case; null where service tokens come in their own two headers only. */
  serviceTokenHeader: string | null
  /** Which clients may introduce themselves here; null where this portal has no rules of its own. */
  clientPolicy: ClientPolicy | null
  /** How much of the tools models are shown; a client's URL may say otherwise where these let it. */
  codeMode: CodeMode
  contextMode: ContextMode
  /** In portal order. */
  servers: readonly ServerSpec[]
  /** Whether one of them is personal: only then does anybody's own connection matter to what they see. */
  hasPersonal: boolean
}

/** Where a request arrived. */
export interface Place {
  spec: PortalSpec
  /** The server of a single-server mount, by index in portal order, -1 where the URL names none; null for the whole portal. */
  mount: number | null
}

export interface ServerSpec {
  uid: ServerUid
  id: ServerId
  name: string
  /** Its own; null where it has none, and the portal's decide alone. Empty lets nobody in. */
  policies: readonly Policy[] | null
  limits: readonly CallLimit[]
  /** What its tools do with data; a tool's own are beside. */
  labels: readonly Label[]
  toolLabels: ReadonlyMap<string, readonly Label[]>
  /** Callers that only a bypass let in use its stored credential. */
  bypassCredential: boolean
  /** Tools and prompts are off unless an override says `enabled`. */
  defaultDisabled: boolean
  /** What the server says of itself to models is passed on. */
  passesInstructions: boolean
  /** What of its questions is passed on to callers. */
  relay: Relay
  /** How its resources are shown. */
  resources: ResourceSettings
  /** Who may share one session or process of it. */
  isolation: Isolation
  /** A personal server: each user's own connection. Where true the shared credential is never used, and service tokens have no such server. */
  onBehalf: boolean
  /** Whose credential calls carry, in the words that callers are told. */
  carries: 'none' | 'shared' | 'machine' | 'yours'
  tools: ReadonlyMap<string, Curation>
  prompts: ReadonlyMap<string, Curation>
}

/** What the admin made of one tool or prompt: the portal's word before the server's, the server's before the upstream's. */
export interface Curation {
  enabled: boolean
  alias: string | null
  description: string | null
}

export interface Override {
  enabled?: boolean | undefined
  alias?: string | undefined
  description?: string | undefined
}

/** Precedence of the two levels (portal, then server, then the upstream's own), for one capability. */
export function curate(
  atServer: Override | undefined,
  atPortal: Override | undefined,
  defaultDisabled: boolean,
): Curation {
  return {
    enabled: atPortal?.enabled ?? (defaultDisabled ? false : (atServer?.enabled ?? true)),
    alias: atPortal?.alias ?? atServer?.alias ?? null,
    description: atPortal?.description ?? atServer?.description ?? null,
  }
}
