/** A browser for which the portal's public name leads to this machine, as if a proxy stood before it. */
import { request } from 'undici'
import { Person } from '../person.ts'
import type { TestPortal } from '../portal.ts'

export class Visitor extends Person {
  readonly #portal: TestPortal
  readonly #name: string

  /** @param name its public URL, or the one that it has */
  constructor(portal: TestPortal, name: string) {
    super(name)
    this.#portal = portal
    this.#name = name
  }

  protected override async send(url: string, init: RequestInit): Promise<Response> {
    const [name, here] = [this.#name, this.#portal.url]
    if (name === here || !url.startsWith(`${name}/`)) return super.send(url, init)
    const headers = { ...(init.headers as Record<string, string>), host: new URL(name).host }
    const form = init.body instanceof URLSearchParams ? init.body.toString() : null
    // `fetch` says no other Host than it dials.
    const {
      statusCode,
      headers: came,
      body,
    } = await request(url.replace(name, here), {
      method: init.method === 'POST' ? 'POST' : 'GET',
      headers: form === null ? headers : { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: form,
    })
    const pairs = Object.entries(came).flatMap(([header, value]) =>
      [value ?? []].flat().map((one): [string, string] => [header, one]),
    )
    return new Response(await body.text(), { status: statusCode, headers: pairs })
  }
}
