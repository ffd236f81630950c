/** Where a policy is read and changed: below the application whose own it is, or among those that may be attached anywhere. */

/** @param app null where the policy is reusable */
export function placeOfPolicy(policy: string, app: string | null): string {
  return app === null ? `/policies/${policy}` : `/apps/${app}/policies/${policy}`
}
