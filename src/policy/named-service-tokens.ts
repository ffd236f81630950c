/** Which service tokens the policies name one by one: somebody meant them to work, so they are not cleaned up. */
import type { PolicyRecord } from './policy-store.ts'

/** @returns their ids; a criterion for any token names none */
export function namedServiceTokens(
  policies: readonly Pick<PolicyRecord, 'include' | 'require' | 'exclude'>[],
): Set<string> {
  const named = new Set<string>()
  for (const { include, require, exclude } of policies) {
    for (const criterion of [...include, ...require, ...exclude]) {
      const id = (criterion as { service_token?: { token_id?: unknown } }).service_token?.token_id
      if (typeof id === 'string') named.add(id)
    }
  }
  return named
}
