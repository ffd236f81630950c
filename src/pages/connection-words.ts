/** How a person is told of a connection: what it is, how it is, and what mends it. Names that the other side gave are only ever text. */
import { html } from 'hono/html'
import { originOf } from '../base/destination.ts'
import { visible } from '../base/visible.ts'
import type { ConnectionReason, ConnectionRecord } from '../upstream/connections/model.ts'
import { whatHappened } from '../upstream/connections/reason-words.ts'
import type { Markup } from './page.ts'
import { ago, ahead } from './people-words.ts'

/** What its person does about it, where that is not to connect it again, and why. */
const MENDS: Readonly<Partial<Record<ConnectionReason, string>>> = {
  moved: 'Connect it again, if you know the new place.',
  scope: 'Connect it again to allow them.',
}

/** @returns null where nothing is wrong */
export function wrongWith({ status, reason, kind }: ConnectionRecord): string | null {
  if (status === 'ready') return null
  if (reason === 'identity')
    return 'Your company’s sign-in does not vouch for you at this server. Sign in again, or ask an admin.'
  const happened = whatHappened({ kind, reason })
  // These nobody can connect by hand.
  if (kind === 'enterprise' || reason === 'unreachable') return happened
  return `${happened} ${(reason && MENDS[reason]) ?? 'Connect it again.'}`
}

/** `alice@work`, as the other side says it, or what is known instead. */
export function accountOf({ account, kind }: ConnectionRecord): Markup {
  if (account !== null) return html`<bdi>${visible(account)}</bdi>`
  return kind === 'token' ? html`a token that you pasted` : html`an account without a name`
}

/** Since when, and for how long. */
export function timesOf({ createdAt, refreshedAt, expiresAt, hasRefreshToken, kind }: ConnectionRecord, now: number) {
  const since = html`connected ${when(createdAt, ago(now - createdAt))}`
  const isRenewed = hasRefreshToken || kind === 'enterprise' || kind === 'machine'
  if (isRenewed) {
    const last =
      refreshedAt === null || refreshedAt <= createdAt ? '' : html`, last ${when(refreshedAt, ago(now - refreshedAt))}`
    return html`${since}, renewed by itself${last}`
  }
  if (expiresAt === null) return since
  return expiresAt <= now
    ? html`${since}, ended ${when(expiresAt, ago(now - expiresAt))}`
    : html`${since}, ends ${when(expiresAt, ahead(expiresAt - now))}`
}

export function when(at: number, said: string): Markup {
  const exact = new Date(at).toISOString()
  return html`<time datetime="${exact}" title="${exact.slice(0, 16).replace('T', ' ')} UTC">${said}</time>`
}

/** RFC 6749 section 3.3: words between spaces. */
export function scopesOf(scope: string | null): readonly string[] {
  return [...new Set((scope ?? '').split(' ').filter((word) => word !== ''))]
}

/** Each on a line. @param added those that the connection in place does not have */
export function scopeList(scope: string | null, added: readonly string[] = []): Markup {
  const scopes = scopesOf(scope)
  if (scopes.length === 0) return html`whatever the other side gives; it names no rights`
  return html`<ul class="plain">
    ${scopes.map((word) => html`<li><code>${visible(word)}</code>${added.includes(word) ? html` <span class="tag">new</span>` : ''}</li>`)}
  </ul>`
}

/** The host of a place that was found and checked, since that is what a person can compare. @param url of http or https */
export function hostOfPlace(url: string): string {
  return originOf(url).replace(/^https?:\/\//, '')
}
