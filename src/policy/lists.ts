/** Lists, prepared once for all the rules that name them. */
import { type AddressRanges, openRanges, parseRange } from './address-ranges.ts'
import { comparableEmail } from './same-address.ts'

/** As `list-store.ts` reads it. */
export interface ListSource {
  id: string
  name: string
  /** `EMAIL`, `IP`, … */
  type: string
  items: readonly { value: string }[]
}

export interface PreparedList {
  name: string
  /** Null where it is of another type. */
  emails: ReadonlySet<string> | null
  /** Null where it is of another type. */
  ranges: AddressRanges | null
  /** It holds what is neither: whether that was meant for a caller is not known. */
  isBroken: boolean
}

export function prepareList({ name, type, items }: ListSource): PreparedList {
  if (type === 'EMAIL') {
    const emails = items.map(({ value }) => comparableEmail(value))
    const good = emails.filter((email) => email !== null)
    return { name, emails: new Set(good), ranges: null, isBroken: good.length < emails.length }
  }
  if (type === 'IP') {
    const ranges = items.map(({ value }) => parseRange(value))
    const good = ranges.filter((range) => range !== null)
    return { name, emails: null, ranges: openRanges(good), isBroken: good.length < ranges.length }
  }
  return { name, emails: null, ranges: null, isBroken: false }
}
