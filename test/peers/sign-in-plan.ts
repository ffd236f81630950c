/** What a client needs to sign in, and what it is once it is in. */
import type { ToolResult } from './clients.ts'

export interface SignInPlan {
  /** The portal's address, as a person types it. */
  url: string
  /** Where the client publishes its document; without one it registers itself. */
  document?: string
  /** For the SDKs: where the client waits for the browser, and what it says of that where it registers. */
  redirect?: { uri: string; registered: string; arrival(): Promise<URLSearchParams> }
  /** Leaves `resource` out of everything it asks, as clients of before RFC 8707 do. Only SDK v1. */
  withoutResource?: boolean
  /** The person who is asked to open a link; resolves when the browser is at the client. */
  person(link: string): Promise<void>
}

export interface SigningClient {
  /** The revision that was agreed on, where the client tells. */
  version: string | undefined
  listTools(): Promise<string[]>
  /** Rejects, or never settles, where the client waits for a person who does not come. */
  callTool(name: string, args: Record<string, unknown>): Promise<ToolResult>
  /** The links that it asked to open so far. */
  readonly links: Links
  close(): Promise<void>
}

/** What a client has asked a person to open. */
export class Links {
  readonly #all: string[] = []
  readonly #waiting = new Set<() => void>()

  get count(): number {
    return this.#all.length
  }

  get last(): string {
    return this.#all.at(-1) ?? ''
  }

  add(link: string): void {
    this.#all.push(link)
    for (const look of this.#waiting) look()
  }

  /** Resolves when that many have been asked for. */
  reach(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#all.length < count) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }
}
