/** Reads what policies are made of: policies, groups, lists. */
import { isDeepStrictEqual } from 'node:util'
import type { Db } from '../store/open.ts'
import { listGroups } from './group-store.ts'
import { listFullLists } from './list-store.ts'
import { listPolicies, type PolicyRecord } from './policy-store.ts'
import { type Books, loadRuleBook, type RuleBook } from './rule-book.ts'

/** @param edits policies as they would be, in the place of those that are stored under their ids, or beside them */
export async function readRuleBook(db: Db, edits: readonly PolicyRecord[] = []): Promise<RuleBook> {
  const [stored, groups, lists] = await Promise.all([listPolicies(db), listGroups(db), listFullLists(db)])
  const edited = new Set(edits.map(({ id }) => id))
  const policies = [...stored.filter(({ id }) => !edited.has(id)), ...edits]
  return loadRuleBook({ policies, groups, lists })
}

export interface ReadRules {
  books: Books
  book: RuleBook
}

/** @param before what was read the last time: where the store says the same, the prepared policies are the same objects */
export async function readRulesAgain(db: Db, before: ReadRules | undefined): Promise<ReadRules> {
  const [policies, groups, lists] = await Promise.all([listPolicies(db), listGroups(db), listFullLists(db)])
  const books = { policies, groups, lists }
  if (before !== undefined && isDeepStrictEqual(before.books, books)) return before
  return { books, book: await loadRuleBook(books) }
}
