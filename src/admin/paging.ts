/** Pages of a list. A page past the end is empty, never the last one again: the official SDK asks on until it gets one. */
import type { z } from 'zod'
import { type PageQuery, PER_PAGE_DEFAULT, type pageInfoSchema } from '../contract/envelope.ts'

export interface Page<T> {
  items: readonly T[]
  info: z.infer<typeof pageInfoSchema>
}

/**
 * @param all in their stable order
 * @param words what `search` looks in; a match is any that holds the text, without regard to case
 */
export function pageOf<T>(all: readonly T[], query: PageQuery, words: (item: T) => readonly string[]): Page<T> {
  const wanted = query.search?.toLowerCase() ?? ''
  const found =
    wanted === '' ? all : all.filter((item) => words(item).some((word) => word.toLowerCase().includes(wanted)))
  const page = query.page ?? 1
  const perPage = query.per_page ?? PER_PAGE_DEFAULT
  const items = found.slice((page - 1) * perPage, page * perPage)
  return {
    items,
    info: {
      page,
      per_page: perPage,
      count: items.length,
      total_count: found.length,
      total_pages: Math.ceil(found.length / perPage),
    },
  }
}
