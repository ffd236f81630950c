/**
 * What is taken from the words of a provider, and what is not. Pure. Three things must never be mixed up here: that somebody is in no
 * group and that nobody knows; an address that the provider may speak for and one that somebody typed; a claim and a promise.
 */
import { plainAddress } from '../../contract/identity-provider.ts'
import type { GroupsAt, ProviderSettings } from './settings.ts'

export type Claims = Readonly<Record<string, unknown>>

/** What a provider said at one sign-in. */
export interface Said {
  /** Of the ID token, signature and all checked. */
  token: Claims
  /** Null where it was not asked; `failed` where it gave no answer. */
  userinfo: Claims | 'failed' | null
}

export interface Address {
  /** Lower case, domain as A-label; null where none was given. */
  email: string | null
  /** Whether the provider may speak for it, and does. */
  counts: boolean
}

const MOST_GROUPS = 10_000
const LONGEST_GROUP = 1024
const CLAIM_BYTES = 16 * 1024
const LONGEST_NAME = 256

/**
 * @returns null where they are not known: not asked for, not there, of another shape than a list of names, more than anybody can
 *   keep, or elsewhere (an overage)
 */
export function readGroups(at: GroupsAt | null, { token, userinfo }: Said): readonly string[] | null {
  if (at === null || hasOverage(token)) return null
  const from = at.source === 'claim' ? token : userinfo
  return from === null || from === 'failed' ? null : namesIn(valueAt(from, at.path))
}

/** Entra names no groups where there are more than about 200, and says so (OIDC Core 5.6.2, and Microsoft's "groups overage claim"). */
export function hasOverage(token: Claims): boolean {
  const elsewhere = token._claim_names
  if (token.hasgroups !== undefined && token.hasgroups !== false && token.hasgroups !== 'false') return true
  return typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, 'groups')
}

/** @returns null for what is no list of names: half a list would be a wrong one */
export function namesIn(value: unknown): readonly string[] | null {
  const all = typeof value === 'string' ? [value] : value
  if (!Array.isArray(all) || all.length > MOST_GROUPS) return null
  const names = all.filter((one) => typeof one === 'string' && one !== '' && one.length <= LONGEST_GROUP) as string[]
  return names.length === all.length ? [...new Set(names)] : null
}

function valueAt(claims: Claims, path: readonly string[]): unknown {
  let at: unknown = claims
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined
    at = (at as Claims)[part]
  }
  return at
}

/** The claims to be kept, as many as there is room for; which had none is told, because a policy may ask for them. */
export function keepClaims(
  paths: readonly (readonly [name: string, path: readonly string[]])[],
  said: Said,
): { kept: Record<string, unknown>; dropped: readonly string[] } {
  const all = { ...(isAnswer(said.userinfo) ? said.userinfo : {}), ...said.token }
  const kept: Record<string, unknown> = Object.create(null)
  const dropped: string[] = []
  let room = CLAIM_BYTES
  for (const [name, path] of paths) {
    const value = valueAt(all, path)
    if (value === undefined) continue
    const bytes = Buffer.byteLength(JSON.stringify({ [name]: value }))
    if (bytes > room) dropped.push(name)
    else {
      kept[name] = value
      room -= bytes
    }
  }
  return { kept: { ...kept }, dropped }
}

/** RFC 8176; a provider that says nothing has said nothing. */
export function readAmr({ token }: Said): readonly string[] {
  return (namesIn(token.amr) ?? []).slice(0, 32)
}

/** An address counts only from where it is said to be verified: one source's claim says nothing of another's address. */
export function readAddress(settings: ProviderSettings, said: Said): Address {
  const sources = [said.token, ...(isAnswer(said.userinfo) ? [said.userinfo] : [])]
  const found = sources.map((claims) => addressIn(settings, claims)).filter(({ email }) => email !== null)
  return found.find(({ counts }) => counts) ?? found[0] ?? { email: null, counts: false }
}

function addressIn(settings: ProviderSettings, claims: Claims): Address {
  const text = valueAt(claims, [settings.emailClaim])
  const email = typeof text === 'string' ? plainAddress(text) : null
  return { email, counts: email !== null && isVerified(settings, claims) && isOwn(settings, email) }
}

function isVerified({ verifiedBy, tenantOwnsDomains, emailClaim }: ProviderSettings, claims: Claims): boolean {
  // Entra says it of the claim `email`, and nothing of what another claim holds.
  if (verifiedBy === 'tenant') return tenantOwnsDomains || (emailClaim === 'email' && isTrue(claims.xms_edov))
  // Some say it as text; anything else than a plain yes is a no.
  return claims.email_verified === true || claims.email_verified === 'true'
}

/** Entra's word that the address is of a domain that the tenant has proven to be its own. */
function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 'true'
}

/** Whether the provider was given the domain of an address to speak for. Exactly: a domain below one's own may be somebody else's. */
export function isOwn({ emailDomains }: Pick<ProviderSettings, 'emailDomains'>, email: string): boolean {
  return emailDomains.includes(email.slice(email.lastIndexOf('@') + 1))
}

/** For people to read, so without what a terminal or a page could obey. */
export function readName({ token, userinfo }: Said, email: string | null): string | null {
  const more = isAnswer(userinfo) ? userinfo : {}
  for (const text of [token.name, more.name, token.preferred_username, more.preferred_username, email]) {
    if (typeof text !== 'string') continue
    const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
    if (plain !== '') return plain.slice(0, LONGEST_NAME)
  }
  return null
}

/** Who it is, as no second provider can say it. @returns null where what was said does not prove it */
export function keyIn(
  settings: ProviderSettings,
  { token }: Said,
  issuer: string,
): { issuer: string; subject: string } | null {
  const { directoryId, hostedDomain } = settings
  if (hostedDomain !== null && token.hd !== hostedDomain) return null
  const subject = directoryId === null ? token.sub : objectIn(token, directoryId)
  // OIDC Core 2: at most 255 characters of ASCII; those that control something name nobody.
  const isGood = typeof subject === 'string' && /^\P{Cc}{1,255}$/u.test(subject)
  return isGood ? { issuer, subject } : null
}

/** Entra's `sub` is another for each app; tenant and object are the account. */
function objectIn(token: Claims, directoryId: string): string | null {
  const { tid, oid } = token
  if (typeof tid !== 'string' || typeof oid !== 'string' || oid === '') return null
  return tid.toLowerCase() === directoryId ? `${directoryId}/${oid}` : null
}

export function isAnswer(userinfo: Said['userinfo']): userinfo is Claims {
  return userinfo !== null && userinfo !== 'failed'
}
