/**
 * Real MCP clients that have no token yet: each finds the authorization server by itself, asks a person to open a link, and keeps what it gets.
 * Nothing here speaks OAuth: it starts the clients, hands their link to who sits at the browser, and hands the SDKs what comes back.
 */
import type { SignInPlan, SigningClient } from './sign-in-plan.ts'
import { inspectorSignsIn, remoteSignsIn } from './sign-in-programs.ts'
import { sdkV1SignsIn } from './sign-in-sdk-v1.ts'
import { sdkV2SignsIn } from './sign-in-sdk-v2.ts'

export type SignInClient =
  | 'SDK v1'
  | 'SDK v2 legacy'
  | 'SDK v2 modern'
  | 'mcp-remote legacy'
  | 'mcp-remote auto'
  | 'Inspector legacy'
  | 'Inspector modern'

export function signInWith(name: SignInClient, plan: SignInPlan): Promise<SigningClient> {
  switch (name) {
    case 'SDK v1':
      return sdkV1SignsIn(plan)
    case 'SDK v2 legacy':
      return sdkV2SignsIn(plan, 'legacy')
    case 'SDK v2 modern':
      return sdkV2SignsIn(plan, { pin: '2026-07-28' })
    case 'mcp-remote legacy':
      return remoteSignsIn(plan, 'legacy')
    case 'mcp-remote auto':
      return remoteSignsIn(plan, 'auto')
    case 'Inspector legacy':
      return inspectorSignsIn(plan, 'legacy')
    case 'Inspector modern':
      return inspectorSignsIn(plan, 'modern')
  }
}
