/** Addresses of a client that an admin writes down, judged as text: nobody is asked anything. */
import { CALLBACK_PATH } from './client-document.ts'
import { isSafeUrl } from './net.ts'

/** Whether what is sent there can be read by nobody on the way. */
export function isSafeAddress(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && isSafeUrl(url)
}

/** Whether an address is one of this portal's own origin. */
export function isAtOrigin(text: string, issuer: string): boolean {
  const origin = URL.parse(text)?.origin
  return origin !== undefined && origin === URL.parse(issuer)?.origin
}

/** The ways back to this portal: one for all servers, and one for this one alone. */
export function callbacksOf(issuer: string, id: string): { shared: string; single: string } {
  return { shared: issuer + CALLBACK_PATH, single: `${issuer}${CALLBACK_PATH}/${id}` }
}

/**
 * The way back for a client that an admin wrote down: the shared one where it is wished for, unless only the other is registered, or
 * where only it is registered; else the server's own.
 *
 * @param named what the admin says is registered
 */
export function writtenCallback(
  { shared, single }: { shared: string; single: string },
  { named, isSharedWished }: { named: readonly string[]; isSharedWished: boolean },
): string {
  if (named.includes(single)) return isSharedWished && named.includes(shared) ? shared : single
  return isSharedWished || named.includes(shared) ? shared : single
}
