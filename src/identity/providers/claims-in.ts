/** What a JWT says, unproven: for one that was proven when it came, or that another party will prove. */

/** @returns an empty object for what is no JWT */
export function claimsIn(jwt: string): Readonly<Record<string, unknown>> {
  const [, payload = '', signature] = jwt.split('.')
  if (signature === undefined) return {}
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return typeof claims === 'object' && claims !== null ? { ...claims } : {}
  } catch {
    // Told apart from a good one by what it lacks.
    return {}
  }
}
