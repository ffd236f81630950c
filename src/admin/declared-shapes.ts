/** What the configuration file declares, checked before anything is applied: every mistake is said at once. */
import type { z } from 'zod'
import { ConfigError } from '../config/config-error.ts'
import type { Declared } from '../config.ts'
import { groupDeclared } from '../contract/access-group.ts'
import { listDeclared } from '../contract/gateway-list.ts'
import { policyDeclared } from '../contract/policy.ts'
import { type PortalCreate, portalCreate } from '../contract/portal.ts'
import { type ServerCreate, serverCreate } from '../contract/server.ts'
import { refuseHostileJson } from './json-body.ts'
import { ApiRefusal, parseOr400 } from './refusal.ts'

export interface DeclaredShapes {
  policies: readonly z.infer<typeof policyDeclared>[]
  groups: readonly z.infer<typeof groupDeclared>[]
  lists: readonly z.infer<typeof listDeclared>[]
  servers: readonly ServerCreate[]
  portals: readonly PortalCreate[]
}

/** @throws ConfigError naming every field that is wrong, never a value */
export function readDeclared(declared: Declared): DeclaredShapes {
  const problems: string[] = []
  const shapes = {
    lists: readSection('lists', declared.lists ?? [], listDeclared, problems),
    groups: readSection('groups', declared.groups ?? [], groupDeclared, problems),
    policies: readSection('policies', declared.policies, policyDeclared, problems),
    servers: readSection('servers', declared.servers, serverCreate, problems),
    portals: readSection('portals', declared.portals, portalCreate, problems),
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return shapes
}

function readSection<T extends { id: string }>(
  name: string,
  entries: readonly unknown[],
  schema: z.ZodType<T>,
  problems: string[],
): T[] {
  const ids = new Set<string>()
  return entries.flatMap((entry, index) => {
    try {
      refuseHostileJson(entry, [name, String(index)])
      const shape = parseOr400(schema, entry, `${name}.${index}`)
      if (ids.has(shape.id)) problems.push(`${name}.${index}.id: "${shape.id}" stands twice`)
      ids.add(shape.id)
      return [shape]
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error
      problems.push(...error.problems.map((problem) => problem.message))
      return []
    }
  })
}
