/** References inside a JSON Schema; nothing is ever fetched. */
import { follow, parsePointer } from './json-pointer.ts'

/** @param reference as `$ref` has it @returns null for what is not in this very document, or is named by an anchor */
export function followReference(root: unknown, reference: unknown): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#') || reference.length > 500) return null
  const parts = parsePointer(decoded(reference.slice(1)))
  if (parts === null) return null
  const found = follow(parts, root)
  return found.found ? found.value : null
}

/** RFC 6901, section 6: in a fragment the pointer is percent-encoded. */
function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    // No pointer begins so.
    return '~'
  }
}
