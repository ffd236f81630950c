/** What ids are called, for sentences: an id that is not known stays what it is. */
export interface Names {
  group(id: string): string
  list(id: string): string
  serviceToken(id: string): string
  provider(id: string): string
}

export const NO_NAMES: Names = {
  group: (id) => id,
  list: (id) => id,
  serviceToken: (id) => id,
  provider: (id) => id,
}

/** @returns `a`, `a or b`, `a, b or c` */
export function joined(texts: readonly string[], word: 'or' | 'and'): string {
  const last = texts.at(-1) ?? ''
  return texts.length < 2 ? last : `${texts.slice(0, -1).join(', ')} ${word} ${last}`
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : String(value)
}

/** What is not filled in yet is a gap that can be seen. */
export function orGap(text: string): string {
  return text === '' ? '…' : text
}
