/** Policies on their way into the store, from the API and from the configuration file alike. */
import type { PolicyCreate, PolicyUpdate } from '../contract/policy.ts'
import type { PolicyContent, PolicyRecord } from '../policy/policy-store.ts'

export function newPolicyContent(body: PolicyCreate): PolicyContent {
  return {
    name: body.name,
    decision: body.decision,
    include: body.include,
    exclude: body.exclude ?? [],
    require: body.require ?? [],
    extra: typeof body.session_duration === 'string' ? { session_duration: body.session_duration } : {},
  }
}

/** What is left out stays; null empties. */
export function changedPolicyContent(before: PolicyRecord, body: PolicyUpdate): PolicyContent {
  const { session_duration: duration } = body
  return {
    name: body.name ?? before.name,
    decision: body.decision ?? before.decision,
    include: body.include ?? before.include,
    exclude: body.exclude === undefined ? before.exclude : (body.exclude ?? []),
    require: body.require === undefined ? before.require : (body.require ?? []),
    extra: duration === undefined ? before.extra : duration === null ? {} : { session_duration: duration },
  }
}
