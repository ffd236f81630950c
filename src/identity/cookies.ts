/**
 * The cookies of a person's browser, RFC 6265. Under https each has the prefix `__Host-`: bound to this very host, to the whole
 * path and to TLS, so that no neighbour under the same domain can plant one.
 */

export type CookieName = 'session' | 'browser'

export interface Cookies {
  /** @returns the value, or null where it is not there, or there twice with two values: then one was planted */
  read(header: string | null, name: CookieName): string | null
  /** @param seconds how long it lives; null until the browser is closed, 0 to take it away @returns a Set-Cookie value */
  write(name: CookieName, value: string, seconds: number | null): string
}

const VALUE = /^[A-Za-z0-9_-]{1,128}$/

/** @param issuer the base URL under which people sign in */
export function openCookies(issuer: string): Cookies {
  const isSecure = issuer.startsWith('https:')
  const nameOf = (name: CookieName) => `${isSecure ? '__Host-' : ''}portico-${name}`
  return {
    read(header, name) {
      const found = new Set<string>()
      for (const pair of (header ?? '').split(';')) {
        const at = pair.indexOf('=')
        if (at > 0 && pair.slice(0, at).trim() === nameOf(name)) found.add(pair.slice(at + 1).trim())
      }
      const [value] = found
      return found.size === 1 && value !== undefined && VALUE.test(value) ? value : null
    },
    write(name, value, seconds) {
      const life = seconds === null ? '' : `; Max-Age=${seconds}`
      return `${nameOf(name)}=${value}; Path=/; HttpOnly; SameSite=Lax${life}${isSecure ? '; Secure' : ''}`
    },
  }
}
