/** What a browser remembers of how somebody likes the console. Never anything of the portal's: it stays when they sign out. */

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
