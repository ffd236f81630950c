/** A definition as rules see it: whose, what kind, its own name, what it says of itself as it was approved, and what an admin says of it. */
import type { Label } from '../contract/reach.ts'
import { type Annotations, type Capability, NO_ANNOTATIONS } from '../policy/model.ts'
import type { CapabilityKind, Definition } from '../upstream/model.ts'
import type { Entry } from './catalog.ts'
import type { PortalSpec, ServerSpec } from './spec.ts'

export function capabilityOf(
  { id, labels, toolLabels }: ServerSpec,
  { kind, server, definition }: { kind: CapabilityKind; server: number; definition: Definition },
): Capability {
  const { name } = definition
  return {
    server,
    serverId: id,
    kind,
    name,
    // Read only where a rule looks at them: nearly no rule does, and there are ten thousand tools.
    get annotations() {
      return kind === 'tool' ? annotationsOf(definition) : NO_ANNOTATIONS
    },
    labels: kind === 'tool' ? together(labels, toolLabels.get(name)) : labels,
  }
}

/** What the rules see of a definition, and which of them speak of it. */
export function ruled(
  spec: PortalSpec,
  about: { kind: CapabilityKind; server: number; definition: Definition },
): Pick<Entry, 'definition' | 'capability' | 'scope'> {
  const capability = capabilityOf(spec.servers[about.server] as ServerSpec, about)
  return { definition: about.definition, capability, scope: spec.coverage.scopeOf(capability) }
}

/** What is read through a template is a resource, whose URI rules may speak of. */
export function readThrough(template: Capability, uri: string): Capability {
  const { server, serverId, labels } = template
  return { server, serverId, kind: 'resource', name: uri, annotations: NO_ANNOTATIONS, labels }
}

function together(server: readonly Label[], tool: readonly Label[] | undefined): readonly Label[] {
  return tool === undefined ? server : [...new Set([...server, ...tool])]
}

/** Held definitions reach nobody, so what a definition here says is what was approved. */
function annotationsOf({ json }: Definition): Annotations {
  const { annotations } = JSON.parse(json) as { annotations?: unknown }
  if (typeof annotations !== 'object' || annotations === null) return NO_ANNOTATIONS
  const said = annotations as Record<string, unknown>
  const hint = (name: keyof Annotations): boolean => {
    const value = Object.hasOwn(said, name) ? said[name] : undefined
    return typeof value === 'boolean' ? value : NO_ANNOTATIONS[name]
  }
  return {
    readOnlyHint: hint('readOnlyHint'),
    destructiveHint: hint('destructiveHint'),
    idempotentHint: hint('idempotentHint'),
    openWorldHint: hint('openWorldHint'),
  }
}

/** Of a tool, as it was approved. */
export function inputSchemaOf({ json }: Definition): unknown {
  return (JSON.parse(json) as { inputSchema?: unknown }).inputSchema
}
