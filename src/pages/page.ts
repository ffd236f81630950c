/**
 * The frame of every page that a person meets, and the headers that keep it from being framed, scripted or sniffed.
 * Nothing of an upstream's may ever stand in a page as markup: only `html` templates, which escape what they are given.
 */
import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2024;--soft:#60646c;--line:#d9d9e0;--ground:#fcfcfd;--field:#f0f0f3;--link:#0d74ce}
@media(prefers-color-scheme:dark){:root{--ink:#edeef0;--soft:#b0b4ba;--line:#363a3f;--ground:#111113;--field:#212225;--link:#70b8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:42rem;margin:0 auto;padding:3.5rem 1.25rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .5rem}h2{font-size:1rem;margin:2rem 0 .5rem}
.lead{color:var(--soft);font-size:1.1rem;margin:.25rem 0 1rem}
label{display:block;font-weight:600;margin:1.5rem 0 .35rem}
input,pre{width:100%;font:14px/1.5 ui-monospace,monospace;color:inherit;background:var(--field);border:1px solid var(--line);border-radius:8px;padding:.65rem .8rem;margin:0}
pre{white-space:pre-wrap;overflow-wrap:anywhere}code{font:.92em ui-monospace,monospace}
a{color:var(--link)}:focus-visible{outline:2px solid var(--link);outline-offset:2px}`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** @param body made by hono's `html`, so that every value in it is escaped */
export async function page(title: string, body: ReturnType<typeof html>, status: number): Promise<Response> {
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <main>${await body}</main>
      </body>
    </html>`
  return new Response(String(await whole), { status, headers: HEADERS })
}

/** @param location of our own, or one that was checked */
export function seeOther(location: string): Response {
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } })
}
