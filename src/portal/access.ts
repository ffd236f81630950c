/**
 * What one caller may do in one portal, by the facts of now: for requests over MCP with every fact gathered, for pages and
 * for signing in at once, with what nobody can know yet taken in the caller's favour. Each call is decided for itself.
 */
import type { Principal } from '../base/principal.ts'
import { type Access, compileAccess } from '../policy/compile.ts'
import type { FactsKeeper } from '../policy/facts.ts'
import type { Facts, Origin } from '../policy/model.ts'
import type { PortalSpec } from './spec.ts'

export interface Decided {
  access: Access
  /** Milliseconds since 1970 until when it holds, as long as configuration and origin stay. */
  until: number
}

export interface AccessKeeper {
  of(spec: PortalSpec, principal: Principal, origin: Origin): Decided | Promise<Decided>
  /** @param origin null: wherever the caller will come from */
  expected(spec: PortalSpec, principal: Principal, origin: Origin | null): Access
}

export function openAccesses(facts: FactsKeeper): AccessKeeper {
  return {
    of(spec, principal, origin) {
      const gathered = facts.gather(principal, origin, spec.asked)
      const decided = ({ facts, until }: { facts: Facts; until: number }): Decided => {
        const access = compile(spec, facts)
        return { access, until: Math.min(until, access.until) }
      }
      return gathered instanceof Promise ? gathered.then(decided) : decided(gathered)
    },
    expected: (spec, principal, origin) => compile(spec, facts.assume(principal, origin)),
  }
}

function compile({ policies, servers, coverage }: PortalSpec, facts: Facts): Access {
  return compileAccess({ portal: policies, gates: servers, coverage }, facts)
}
