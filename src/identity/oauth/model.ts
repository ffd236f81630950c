/**
 * The authorization server as the rest of the house sees it. Behind this stands oidc-provider; nobody outside of this folder knows.
 */

import type { PortalUid } from '../../base/ids.ts'
import type { BrowserSession } from '../browser-session-store.ts'
import type { NodeRequest, NodeResponse } from './node.ts'

/** A portal as the authorization server must know it. */
export interface ResourcePortal {
  uid: PortalUid
  id: string
  name: string
  description: string | null
  /** Its address, for people to read: what the token will be good for. */
  url: string
}

/** Who wants to be let in. What it says of itself is not believed: `verifiedHost` alone is proven. */
export interface ClientShown {
  id: string
  /** `metadata-url`: its id is the URL of its document, so its host is proven. `registered`: by itself. `admin`: by an admin. */
  kind: 'metadata-url' | 'registered' | 'admin'
  /** The host of a client metadata document, or null. */
  verifiedHost: string | null
  /** What it calls itself: control and direction characters taken out, at most 64 characters; may be a lie. */
  name: string
  /** The name is one of a well-known client, and the host or registration is not that client's. */
  borrowsName: boolean
}

/** An authorization that waits for its person. */
export interface Pending {
  uid: string
  client: ClientShown
  portal: ResourcePortal
  /** The identifier that the client named. */
  resource: string
  /** Null for a device. */
  redirectUri: string | null
  /** Where the browser will be sent, for people to read: host, or scheme of a private-use URI. */
  redirectHost: string | null
  /** Any program on the person's own machine can stand there. */
  isLoopback: boolean
  scopes: readonly string[]
  /** What the client asks for: that the person signs in anew, or is asked anew. */
  prompts: readonly ('login' | 'consent')[]
  /** When it was begun, in milliseconds: who must sign in anew has done so only after this. */
  startedAt: number
  /** For a device: the code that the person typed. */
  deviceCode: string | null
}

/** A device that waits for the person who typed its code. */
export interface PendingDevice {
  client: ClientShown
  portal: ResourcePortal
  resource: string
  /** As the device shows it: two halves. */
  code: string
  /** The address that the device asked from, or the empty string. */
  askedFrom: string
  /** In milliseconds. */
  startedAt: number
}

export interface AuthorizationServer {
  /** Node handler of everything below `/oauth/`. */
  handle(request: NodeRequest, response: NodeResponse, clientIp: string): Promise<void>
  /**
   * @param cookie the browser's Cookie header
   * @returns null where there is no such authorization, it is over, or it began in another browser
   */
  pending(uid: string, cookie: string | null): Promise<Pending | null>
  /** Whether this person let this very client, redirect and portal in before. */
  isRemembered(pending: Pending, session: BrowserSession): Promise<boolean>
  /**
   * Makes the grant, and remembers the consent.
   * @returns where the browser goes on, or `not-allowed` where no policy lets this person into the portal
   */
  approve(pending: Pending, session: BrowserSession, options: { remember: boolean }): Promise<string | 'not-allowed'>
  /** @returns where the browser goes on: back to the client, which is told `access_denied` */
  deny(pending: Pending, session: BrowserSession): Promise<string>
  /**
   * The device that shows a code. A wrong one is counted for the person and their network.
   *
   * @param typed by the person, never taken from a link
   */
  findDevice(typed: string, from: { userId: string; clientIp: string }): Promise<PendingDevice | 'wrong' | 'locked-out'>
  /** Makes the grant; the device gets its tokens the next time that it asks. */
  approveDevice(pending: PendingDevice, session: BrowserSession): Promise<'approved' | 'not-allowed' | 'over'>
  denyDevice(pending: PendingDevice, session: BrowserSession): Promise<void>
}
