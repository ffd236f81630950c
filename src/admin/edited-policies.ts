/** Policies that are not saved, laid over those that are: what a question about a change is answered by. */
import type { PolicyId } from '../base/ids.ts'
import type { AttachmentEdits, PolicyEdits } from '../contract/policy-explanation.ts'
import { listPolicies, type PolicyContent, type PolicyRecord } from '../policy/policy-store.ts'
import { readRuleBook } from '../policy/read-rule-book.ts'
import type { Edits } from '../portal/edited-spec.ts'
import { listPortals } from '../portal/portal-store.ts'
import type { Db } from '../store/open.ts'
import { listServers } from '../upstream/server-store.ts'
import { invalid } from './refusal.ts'
import { afterSending, type OwnPolicies } from './take-own-policies.ts'
import { newPolicyContent, refuseBadPolicy } from './write-policy.ts'

export interface Edited {
  edits: Edits
  /** Whether anything of it differs from what is stored: by policy id. */
  changed: ReadonlySet<string>
}

export async function readEdits(
  db: Db,
  {
    policies = [],
    attachments = {},
  }: { policies?: PolicyEdits | undefined; attachments?: AttachmentEdits | undefined },
): Promise<Edited> {
  const stored = new Map<string, PolicyRecord>((await listPolicies(db)).map((policy) => [policy.id, policy]))
  const records = policies.map((body): PolicyRecord => {
    const before = stored.get(body.id)
    const id = body.id as PolicyId
    return before === undefined ? neverSaved(id, newPolicyContent(body)) : { ...before, ...newPolicyContent(body), id }
  })
  for (const record of records) await refuseBadPolicy(db, record)
  const changed = new Set(records.filter((record) => said(record) !== said(stored.get(record.id))).map(({ id }) => id))
  const had = new Map<string, OwnPolicies>((await listServers(db)).map((server) => [server.id, server.policies]))
  const { portals = [], servers = [] } = attachments
  return {
    changed,
    edits: {
      book: await readRuleBook(db, records),
      portals: new Map(portals.map((one) => [one.id, one.policies as PolicyId[]])),
      servers: new Map(
        servers.map((one) => {
          const after = afterSending(had.get(one.id) ?? null, one.policies as PolicyId[], one.own_policies)
          return [one.id, after]
        }),
      ),
    },
  }
}

/** @throws ApiRefusal 400 where something would be attached that is not there, or to nothing */
export async function requireAttachable(
  db: Db,
  {
    policies = [],
    attachments = {},
  }: { policies?: PolicyEdits | undefined; attachments?: AttachmentEdits | undefined },
): Promise<void> {
  const { portals = [], servers = [] } = attachments
  const known = new Set<string>([...(await listPolicies(db)), ...policies].map(({ id }) => id))
  const there = {
    portals: new Set<string>((await listPortals(db)).map(({ id }) => id)),
    servers: new Set<string>((await listServers(db)).map(({ id }) => id)),
  }
  for (const [where, list] of [
    ['portals', portals],
    ['servers', servers],
  ] as const) {
    for (const [at, { id, policies: attached }] of list.entries()) {
      if (!there[where].has(id))
        throw invalid(
          `attachments.${where}.${at}.id`,
          `there is no ${where === 'portals' ? 'portal' : 'server'} of this id`,
        )
      const stray = attached.findIndex((one) => !known.has(one))
      if (stray !== -1)
        throw invalid(
          `attachments.${where}.${at}.policies.${stray}`,
          'names no policy, neither a stored one nor one of these',
        )
    }
  }
}

/** A policy that is in no store. */
export function neverSaved(id: PolicyId, content: PolicyContent): PolicyRecord {
  const stamps = { createdAt: 0, createdBy: '', modifiedAt: 0, modifiedBy: '', origin: 'api' } as const
  return { ...content, ...stamps, id, appId: null }
}

/** All that a policy says, and nothing of who said it. */
function said(policy: PolicyRecord | undefined): string {
  if (policy === undefined) return ''
  const { name, decision, include, require, exclude, extra } = policy
  return JSON.stringify([name, decision, include, require, exclude, Object.entries(extra).sort()])
}
