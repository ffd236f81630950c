/**
 * A person with a browser without script, for journeys: it keeps cookies by their rules of host and path, follows redirects, and fills in
 * the forms that a page really has. Where it is sent outside of the portal, it stops and says where.
 */
import { createHash, randomBytes } from 'node:crypto'

export interface Page {
  url: string
  status: number
  headers: Headers
  text: string
  /** Where the browser was sent that is none of the hosts it may go to, else null. */
  left: URL | null
}

interface Cookie {
  name: string
  value: string
  host: string
  path: string
}

export class Person {
  /** Hosts beside the first one's that this browser follows redirects to. */
  readonly #hosts: Set<string>
  #jar: Cookie[] = []

  constructor(...origins: string[]) {
    this.#hosts = new Set(origins.map((origin) => new URL(origin).host))
  }

  /** What this browser would send to a URL. */
  cookies(url: string): string {
    const { hostname, pathname } = new URL(url)
    return this.#jar
      .filter(
        ({ host, path }) => host === hostname && (pathname === path || pathname.startsWith(path.replace(/\/?$/, '/'))),
      )
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  /** A second browser that has stolen everything from the first, or nothing. */
  copyFrom(other: Person): this {
    this.#jar = [...other.#jar]
    return this
  }

  /** Takes a cookie that was made elsewhere. @param line a Set-Cookie value */
  keep(url: string, line: string): void {
    this.#keep(url, new Headers([['set-cookie', line]]))
  }

  async open(url: string): Promise<Page> {
    return this.#follow(url, { method: 'GET' })
  }

  /**
   * Sends the page's form whose action ends with `action`, with what it has hidden, what is given, and the button.
   * @throws Error where the page has no such form
   */
  async submit(page: Page, action: string, fields: Record<string, string> = {}): Promise<Page> {
    const form = formsOf(page.text).find((one) => new URL(one.action, page.url).pathname.endsWith(action))
    if (form === undefined)
      throw new Error(`no form for ${action} on ${page.url} (${page.status}):\n${page.text.slice(0, 3000)}`)
    const body = new URLSearchParams({ ...form.hidden, ...fields })
    return this.#follow(new URL(form.action, page.url).href, { method: 'POST', body })
  }

  /** One request on the wire; for browsers that reach a host elsewhere than its name says. */
  protected send(url: string, init: RequestInit): Promise<Response> {
    return fetch(url, init)
  }

  async #follow(first: string, init: { method: string; body?: URLSearchParams }): Promise<Page> {
    let url = first
    let sending = init
    for (let hops = 0; hops < 20; hops++) {
      const cookie = this.cookies(url)
      const own = { ...(cookie === '' ? {} : { cookie }), 'sec-fetch-site': hops === 0 ? 'same-origin' : 'none' }
      const posted = sending.method === 'POST' ? { origin: new URL(url).origin } : {}
      const response = await this.send(url, {
        method: sending.method,
        headers: { ...own, ...posted, accept: 'text/html' },
        redirect: 'manual',
        ...(sending.body === undefined ? {} : { body: sending.body }),
      })
      this.#keep(url, response.headers)
      const text = await response.text()
      const location = response.headers.get('location') ?? refreshOf(text)
      const page = { url, status: response.status, headers: response.headers, text, left: null }
      if (location === null) return page
      const next = new URL(location, url)
      if (!this.#hosts.has(next.host) || !next.protocol.startsWith('http')) return { ...page, left: next }
      url = next.href
      sending = { method: 'GET' }
    }
    throw new Error(`${first} redirects in circles`)
  }

  #keep(url: string, headers: Headers): void {
    const { hostname } = new URL(url)
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
      const at = pair.indexOf('=')
      const name = pair.slice(0, at)
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/'
      this.#jar = this.#jar.filter((one) => !(one.name === name && one.host === hostname && one.path === path))
      const isGone = attributes.some((one) => /^max-age=0$/i.test(one) || /^expires=thu, 01 jan 1970/i.test(one))
      if (!isGone) this.#jar.push({ name, value: pair.slice(at + 1), host: hostname, path })
    }
  }
}

/** Where a page sends the browser on to by itself. */
function refreshOf(text: string): string | null {
  const [, to] = /<meta http-equiv="refresh" content="0;url=([^"]*)"/.exec(text) ?? []
  return to === undefined ? null : unescaped(to)
}

function formsOf(text: string): { action: string; hidden: Record<string, string> }[] {
  return [...text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, head = '', body = '']) => ({
    action: unescaped(/action="([^"]*)"/.exec(head)?.[1] ?? ''),
    hidden: Object.fromEntries(
      [...body.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
        unescaped(/name="([^"]*)"/.exec(input)?.[1] ?? ''),
        unescaped(/value="([^"]*)"/.exec(input)?.[1] ?? ''),
      ]),
    ),
  }))
}

function unescaped(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

export interface Challenge {
  verifier: string
  challenge: string
}

/** RFC 7636, S256. */
export function newChallenge(): Challenge {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}
