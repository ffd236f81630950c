/**
 * Makes or changes the lists, groups and policies that the configuration file declares. All are written before any is judged,
 * because they name one another in whatever order they stand there.
 */
import type { PolicyId } from '../base/ids.ts'
import { insertGroup, readGroup, updateGroup } from '../policy/group-store.ts'
import { insertList, readList, updateList } from '../policy/list-store.ts'
import { insertPolicy, readPolicy, updatePolicy } from '../policy/policy-store.ts'
import type { Applying } from './declared.ts'
import { same, under } from './declared-objects.ts'
import { readKnown } from './known-rules.ts'
import { invalid } from './refusal.ts'
import { newGroupContent, refuseBadGroup } from './write-group.ts'
import { takeItems } from './write-list.ts'
import { newPolicyContent, refuseBadPolicyAmong } from './write-policy.ts'

/** @throws ApiRefusal 400 with the path in the file */
export async function applyRules(applying: Applying): Promise<void> {
  await applyLists(applying)
  const groups = await applyGroups(applying)
  const policies = await applyPolicies(applying)
  for (const index of groups) await under(`groups.${index}`, () => judgeGroup(applying, index))
  if (policies.length === 0) return
  const known = await readKnown(applying.trx)
  for (const index of policies) {
    const shape = applying.shapes.policies[index]
    if (shape) await under(`policies.${index}`, () => refuseBadPolicyAmong(known, newPolicyContent(shape)))
  }
}

async function applyLists({ needs, trx, shapes, author, note }: Applying): Promise<void> {
  for (const [index, shape] of shapes.lists.entries()) {
    await under(`lists.${index}`, async () => {
      const { id, name, type } = shape
      const content = { name, type, description: shape.description ?? null }
      const items = takeItems(type, shape.items ?? [], 'items')
      const before = await readList(trx, id)
      if (before === undefined) {
        await note('create', 'list', id)
        await insertList(needs.store, trx, { id, ...content, items }, author)
        return
      }
      if (before.type !== type) throw invalid('type', `was ${before.type} and cannot change; give the list another id`)
      const kept = { name: before.name, type: before.type, description: before.description }
      if (before.origin === 'file' && same(kept, content) && same(plain(before.items), plain(items))) return
      await note('update', 'list', id)
      await updateList(needs.store, trx, id, { content, items, author })
    })
  }
}

/** In one order, each once, as a list keeps them. */
function plain(items: readonly { value: string; description: string | null }[]): (readonly [string, string | null])[] {
  const once = new Map(items.map(({ value, description }) => [value, description] as const))
  return [...once].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** @returns where those stand that were written */
async function applyGroups({ needs, trx, shapes, author, note }: Applying): Promise<number[]> {
  const written: number[] = []
  for (const [index, shape] of shapes.groups.entries()) {
    const { id } = shape
    const content = newGroupContent(shape)
    const before = await readGroup(trx, id)
    if (before === undefined) {
      await note('create', 'group', id)
      await insertGroup(needs.store, trx, { id, ...content }, author)
    } else {
      const { name, include, exclude, require, isDefault } = before
      if (before.origin === 'file' && same({ name, include, exclude, require, isDefault }, content)) continue
      await note('update', 'group', id)
      await updateGroup(needs.store, trx, id, { content, author })
    }
    written.push(index)
  }
  return written
}

async function judgeGroup({ trx, shapes }: Applying, index: number): Promise<void> {
  const group = await readGroup(trx, shapes.groups[index]?.id ?? '')
  if (group !== undefined) await refuseBadGroup(trx, group, group)
}

/** @returns where those stand that were written */
async function applyPolicies({ needs, trx, shapes, author, note }: Applying): Promise<number[]> {
  const written: number[] = []
  for (const [index, shape] of shapes.policies.entries()) {
    const id = shape.id as PolicyId
    const content = newPolicyContent(shape)
    const before = await readPolicy(trx, id)
    if (before === undefined) {
      await note('create', 'policy', id)
      await insertPolicy(needs.store, trx, { id, ...content }, author)
    } else {
      const { name, decision, include, exclude, require, extra } = before
      if (before.origin === 'file' && same({ name, decision, include, exclude, require, extra }, content)) continue
      await note('update', 'policy', id)
      await updatePolicy(needs.store, trx, id, { content, author })
    }
    written.push(index)
  }
  return written
}
