/** An address as somebody typed it, in the one form in which addresses are compared, and in which mail goes to it and to no other. */
import { emailSchema } from '../../contract/email.ts'

/**
 * A Dot-string (RFC 5321, section 4.1.2; letters of any script, RFC 6531). Nothing quoted, and no comma, bracket or colon: a mail program
 * reads "x,eve@acme.test" as two addresses, and the code would be eve's to sign in as somebody whom nobody knows.
 */
const DOT_STRING = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u

/** @returns lower case, domain as A-label; null for what is no address */
export function addressOf(text: string): string | null {
  const parsed = emailSchema.safeParse(text.trim())
  if (!parsed.success) return null
  const name = parsed.data.slice(0, parsed.data.lastIndexOf('@'))
  // What is not composed may be another letter in lower case: U+212A would be a "k".
  return DOT_STRING.test(name) && name === name.normalize('NFC') ? parsed.data.toLowerCase() : null
}
