/**
 * The frame of every page that a person meets, and the headers that keep it from being framed, scripted or sniffed.
 * Nothing of an upstream's may ever stand in a page as markup: only `html` templates, which escape what they are given.
 */
import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import type { PageCall } from './deps.ts'
import { STYLE } from './style.ts'

export type Markup = ReturnType<typeof html>

export interface PageOptions {
  /** Shown on top and in the title; the product's own name unless given. */
  organization?: string
  /** Who is signed in, for the top of the page. */
  signedInAs?: string | null
  /** For pages of lists; else one narrow card's width. */
  wide?: boolean
  /**
   * CSP sources beside `'self'` to which a form of this page may lead. Chromium holds each redirect that answers a form to this list,
   * so it names where a person goes on to: an identity provider, or the client. Schemes and origins of our own choice, never text of others.
   */
  formLeadsTo?: readonly string[]
  /**
   * A path of ours to which the browser goes on by itself, at once. Unlike a redirect it is no answer to a form any more, so what comes
   * behind it is not held to the `form-action` of whatever page, ours or an identity provider's, that form stood on.
   */
  goesOnTo?: string
  /** A script that the page can do without. It is allowed by its hash; no other is. */
  script?: string
}

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const STYLE_HASH = hash(STYLE)

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`: a browser then sends `Origin: null` with our own forms, which the guard of origins refuses. To other sites both say nothing.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
}

/** A roof on three columns. */
const MARK = html`<svg viewBox="0 0 24 24" aria-hidden="true" fill="currentColor">
  <path d="M12 2 2 7.5V10h20V7.5zM4.5 11.5h3v7h-3zm6 0h3v7h-3zm6 0h3v7h-3zM2 20h20v2H2z" />
</svg>`

/** @param body made by hono's `html`, so that every value in it is escaped */
export async function page(title: string, body: Markup, status: number, options: PageOptions = {}): Promise<Response> {
  const { organization = 'Portico', signedInAs = null, wide = false, script, goesOnTo } = options
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${goesOnTo === undefined ? '' : html`<meta http-equiv="refresh" content="0;url=${goesOnTo}" />`}
        <title>${title} · ${organization}</title>
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <header class="brand">
          <a href="/">${MARK}<span>${organization}</span></a>
          ${signedInAs === null ? '' : html`<span class="who">Signed in as <bdi>${signedInAs}</bdi></span>`}
        </header>
        <main${wide ? html` class="wide"` : ''}>${await body}</main>
        ${script === undefined ? '' : html`<script>${raw(script)}</script>`}
      </body>
    </html>`
  const headers = { ...HEADERS, 'content-security-policy': policy(options) }
  return new Response(String(await whole), { status, headers })
}

/** The same, with the name of the organisation and of the person. */
export function show(
  call: PageCall,
  title: string,
  body: Markup,
  options: PageOptions & { status?: number } = {},
): Promise<Response> {
  const organization = call.deps.organization.current().name
  const signedInAs = call.browser.session?.label ?? null
  return page(title, body, options.status ?? 200, { organization, signedInAs, ...options })
}

/** The field that proves that a form came from a page of ours. Every form that is sent by POST has it. */
export function formToken(call: PageCall): Markup {
  return html`<input type="hidden" name="form_token" value="${call.browser.formToken}" />`
}

/** @param location of our own, or one that was checked */
export function seeOther(location: string, setCookies: readonly string[] = []): Response {
  const headers = new Headers({ location, 'cache-control': 'no-store', 'referrer-policy': 'same-origin' })
  for (const value of setCookies) headers.append('set-cookie', value)
  return new Response(null, { status: 303, headers })
}

function policy({ formLeadsTo = [], script }: PageOptions): string {
  const scripts = script === undefined ? [] : [`script-src ${hash(script)}`]
  const form = ["form-action 'self'", ...formLeadsTo].join(' ')
  return ["default-src 'none'", `style-src ${STYLE_HASH}`, ...scripts, form, FRAMES, "base-uri 'none'"].join('; ')
}

const FRAMES = "frame-ancestors 'none'"
