/** Where a person goes on to after signing in: a page of ours and nothing else, or signing in here would send people anywhere. */

/** Pages that make sense after a sign-in. Not those of signing in or out, which would go round in circles. */
const OWN =
  /^\/(?:\?portal=[a-z0-9_-]{1,32}|(?:admin|consent|authorize|device|setup|approve|connect)(?:\/[A-Za-z0-9._~-]+)*(?:\?[A-Za-z0-9._~=&%-]*)?)?$/

const MOST = 512

/** @returns the path as it was given, or `/` for whatever is not one of ours */
export function ownPath(text: unknown): string {
  return typeof text === 'string' && text.length <= MOST && OWN.test(text) && !text.includes('/..') ? text : '/'
}

/** The authorization that waits on the consent page of a path, or null. */
export function awaited(path: string): string | null {
  return /^\/consent\/([A-Za-z0-9_-]{1,128})$/.exec(path)?.[1] ?? null
}

/** Whether the person signs in to prove anew who they are, because a policy wants it. */
export function isStepUp(path: string): boolean {
  return path.startsWith('/approve/sign-in/')
}

/** `/sign-in`, and back to a path of ours. */
export function signInPath(returnTo: string): string {
  return returnTo === '/' ? '/sign-in' : `/sign-in?return_to=${encodeURIComponent(returnTo)}`
}
