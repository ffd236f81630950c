/** What must be found nowhere, and the ways in which it may be written. */

/** `issuer`: only that authorization server; `both`: the MCP server too; `nobody`: it never leaves the portal. */
export type Knows = 'issuer' | 'both' | 'nobody'

export interface Secret {
  kind: string
  /** The server that it belongs to. */
  server: string
  knows: Knows
}

/** Everything that may be found nowhere, by its value. */
export class Planted {
  readonly all = new Map<string, Secret>()

  add(value: string | null | undefined, secret: Secret): void {
    if (typeof value === 'string' && value.length >= 8 && !this.all.has(value)) this.all.set(value, secret)
  }

  /** `kind of server` of all that stands in a text. */
  in(text: string, which: (secret: Secret) => boolean = () => true): string[] {
    const found: string[] = []
    for (const [value, secret] of this.all) {
      if (which(secret) && formsOf(value).some((form) => text.includes(form)))
        found.push(`${secret.kind} of ${secret.server}`)
    }
    return found
  }
}

/** Of text that was read as one character a byte, or as what it is. */
export function formsOf(value: string): string[] {
  const inJson = JSON.stringify(value).slice(1, -1)
  const bytes = Buffer.from(value)
  const base64 = [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((whole.length * 8) / 6)]
    return [whole.toString('base64').slice(from, to), whole.toString('base64url').slice(from, to)]
  })
  const form = new URLSearchParams([['', value]]).toString().slice(1)
  const html = value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  const percent = encodeURIComponent(value)
  const hex = bytes.toString('hex')
  return [
    ...new Set([
      value,
      inJson,
      JSON.stringify(inJson).slice(1, -1),
      percent,
      form,
      html,
      hex,
      hex.toUpperCase(),
      ...base64,
    ]),
  ]
}
