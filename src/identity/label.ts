/** What a person is called wherever people read of them: pages, audit, log. It proves nothing, and must not look as if it did. */

/** @param name the words of a provider, which at many the person chooses; `id` may be such, too */
export function labelOf(email: string | null, name: string | null, id: string): string {
  if (email !== null) return email
  const called = name ?? id
  // Else a display name would be somebody's address in the audit. Some letters only look like the sign.
  return called.normalize('NFKC').includes('@') ? `${called} (unverified)` : called
}
