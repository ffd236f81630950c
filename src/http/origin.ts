/** The origin under which a request reached us, as its sender sees it: TLS ends at the proxy, so the connection itself does not say. */

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost'])

/**
 * @param publicUrl the public base URL, or null where the portal is reached on loopback alone
 * @returns from a Host header and the name in it, both guarded, an origin such as `https://mcp.example.com`
 */
export function originReader(publicUrl: string | null): (host: string, hostname: string) => string {
  const isPublic = publicUrl?.startsWith('https:') === true
  return (host, hostname) => `${isPublic && !LOOPBACK.has(hostname) ? 'https' : 'http'}://${host}`
}
