/** What stands in the console's place while it is built, or where it cannot be. */
import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:20vh auto 0;padding:0 1rem;color-scheme:light dark}code{font-size:.9em}`
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

const SAID = {
  building: {
    title: 'The console is being built',
    says: 'This happens once after a clone or a pull, and takes about ten seconds. The page goes on by itself; the portal serves meanwhile.',
  },
  failed: {
    title: 'The console could not be built',
    says: 'The log says why, and so does this command, after which the portal has to be started again:',
  },
  absent: {
    title: 'The console is not here',
    says: 'What builds it was not installed. This does both, after which the portal has to be started again:',
  },
} as const

const COMMAND = { building: null, failed: 'npm run build', absent: 'npm ci && npm run build' } as const

export async function notYet(why: keyof typeof SAID | 'ready'): Promise<Response> {
  const is = why === 'ready' ? 'building' : why
  const { title, says } = SAID[is]
  const command = COMMAND[is]
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${is === 'building' ? html`<meta http-equiv="refresh" content="2" />` : ''}
        <title>${title} · Portico</title>
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          <p role="status">${says}</p>
          ${command === null ? '' : html`<pre><code>${command}</code></pre>`}
        </main>
      </body>
    </html>`
  return new Response(String(await whole), {
    status: 503,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
      'retry-after': '2',
    },
  })
}
