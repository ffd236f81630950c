/**
 * What a browser remembers of how somebody likes the console. Never anything of the portal's: it stays when they sign out. Beside it, what a
 * tab notes for itself while its person is away at another place, which ends with the tab.
 */

const KEY = 'portico-'

/** @returns what was remembered under a name, or null, also where the browser keeps nothing */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(KEY + name)
  } catch {
    // Switched off by the person: then nothing is remembered.
    return null
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(KEY + name, value)
  } catch {
    // The same, or it is full: the console works without.
  }
}

/** Notes something for when this tab comes back here. */
export function noteForReturn(name: string, value: string): void {
  try {
    sessionStorage.setItem(KEY + name, value)
  } catch {
    // As above: then the page that it comes back to says less.
  }
}

/** @returns what was noted, once */
export function takeNote(name: string): string | null {
  try {
    const noted = sessionStorage.getItem(KEY + name)
    sessionStorage.removeItem(KEY + name)
    return noted
  } catch {
    return null
  }
}
