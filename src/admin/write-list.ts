/** Lists on their way into the store, from the API and from the configuration file alike. */
import { type ListItemInput, type ListType, MOST_ITEMS, plainListValue } from '../contract/gateway-list.ts'
import type { NewItem } from '../policy/list-store.ts'
import { invalid } from './refusal.ts'

const EXAMPLES: Partial<Readonly<Record<ListType, string>>> = {
  EMAIL: 'an e-mail address',
  DOMAIN: 'a domain such as "example.com"',
  IP: 'an address or a range of them, such as "10.0.0.0/8"',
}

/**
 * @param path where the values stand in the body
 * @throws ApiRefusal 400 with the path of a value that the list cannot hold
 */
export function takeItems(type: ListType, items: readonly ListItemInput[], path: string): NewItem[] {
  return items.map(({ value, description }, index) => {
    const plain = plainListValue(type, value)
    if (plain === null) throw invalid(`${path}.${index}.value`, `a list of type ${type} holds ${EXAMPLES[type]} each`)
    return { value: plain, description: description ?? null }
  })
}

/** What is to be taken out, as it is kept; what no such list can hold is not there. */
export function takeValues(type: ListType, values: readonly string[]): string[] {
  return values.flatMap((value) => plainListValue(type, value) ?? [])
}

/** @throws ApiRefusal 400 */
export function refuseTooMany(count: number, path: string): void {
  if (count > MOST_ITEMS) throw invalid(path, `a list holds at most ${MOST_ITEMS} values; make a second list`)
}
