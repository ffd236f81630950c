/** What `doctor` sees of the first run: whether somebody is owner, and whether what the set-up stored is what holds. */

import { CliError } from './cli-error.ts'
import type { Context } from './context.ts'
import { type Finding, fine, type Place, warning } from './finding.ts'
import { PATHS, SHAPES } from './paths.ts'

export function checkSetUp({ settings }: Place): Finding[] {
  const { values, origins, setUp } = settings
  const stored = setUp?.values.public_url ?? null
  if (setUp === null || stored === null) return []
  const from = origins.get('public_url')
  if (from?.origin === 'set-up') return [fine('public URL', `${stored}, by the set-up (${setUp.path})`)]
  if (values.public_url === stored) return []
  return [
    warning(
      'public URL',
      `the set-up stored ${stored}, and ${from?.where ?? 'another setting'} overrules it with ${values.public_url}`,
      `If that is meant, take public_url out of ${setUp.path}; else take it out of the other place.`,
    ),
  ]
}

/** Asked of the running portal; whether that answers is told elsewhere. */
export async function checkOwner(context: Context): Promise<Finding[]> {
  try {
    const members = await context.api().list(PATHS.roles, SHAPES.roleMember)
    if (members.some(({ role }) => role === 'owner')) return []
    return [warning('owner', 'nobody is owner yet: nobody can use the set-up pages', 'portico admin link, and open it')]
  } catch (error) {
    // A token that may not read roles says nothing about owners.
    if (error instanceof CliError) return []
    throw error
  }
}
