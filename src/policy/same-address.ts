/**
 * E-mail addresses and domains of rules in the one form in which they are compared: lower case, the domain as A-label. Two
 * spellings of one address never differ, and what could be another letter in lower case is no address at all.
 */
import { emailDomainSchema, emailSchema } from '../contract/email.ts'
import { plainAddress, plainDomain } from '../contract/identity-provider.ts'

/** @returns null for what is no address, such as one whose domain ends in a dot */
export function comparableEmail(text: string): string | null {
  const plain = plainAddress(text)
  if (plain !== null) return plain
  // A domain of one label, such as `localhost`, has no A-label that a provider could speak for, but accounts can have it.
  const name = text.slice(0, text.lastIndexOf('@'))
  return emailSchema.safeParse(text).success && name === name.normalize('NFC') ? text.toLowerCase() : null
}

/** @returns null for what is no domain */
export function comparableDomain(text: string): string | null {
  const plain = plainDomain(text)
  if (plain !== null) return plain
  return emailDomainSchema.safeParse(text).success ? text.toLowerCase() : null
}
