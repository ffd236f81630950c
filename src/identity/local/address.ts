/** An address as somebody typed it, in the one form in which addresses are compared. */
import { emailSchema } from '../../contract/policy.ts'

/** @returns lower case, domain as A-label; null for what is no address */
export function addressOf(text: string): string | null {
  const parsed = emailSchema.safeParse(text.trim())
  return parsed.success ? parsed.data.toLowerCase() : null
}
