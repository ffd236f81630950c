/**
 * What somebody means by a name, for people who ask about it: the same look-up as for a call, and by which kind of name it was
 * found. Nothing that a caller gets is made here.
 */
import type { CapabilityKind } from '../upstream/model.ts'
import { BUILTINS } from './builtin.ts'
import { type Catalog, curationIn, type Entry } from './catalog.ts'
import { findTarget, type Target } from './target.ts'

/** `server`: by the server's own name, at that server. `template`: an address that a template covers. */
export type NamedBy = 'public' | 'alias' | 'bare' | 'server' | 'uri' | 'template' | 'builtin' | 'nothing'

export interface Resolved {
  by: NamedBy
  target: Target
  /** Public names that are like it, where nothing has it. */
  near: readonly string[]
}

export interface NameAsked {
  name: string
  /** Where it is not said, tools come before prompts, resources and templates. */
  kind: CapabilityKind | null
  /** Only what this server has, which may then be asked for by its own name. */
  server: string | null
}

const KINDS = ['tool', 'prompt', 'resource', 'template'] as const
const MOST_NEAR = 5

export function resolveName(catalog: Catalog, { name, kind, server }: NameAsked): Resolved {
  const kinds = kind === null ? KINDS : [kind]
  for (const one of kinds) {
    const found = server === null ? inPortal(catalog, one, name) : atServer(catalog, one, { name, server })
    if (found !== null) return { ...found, near: [] }
  }
  return { by: 'nothing', target: { kind: 'nothing', name }, near: nearTo(catalog, kinds, name) }
}

type Found = Omit<Resolved, 'near'>

function inPortal(catalog: Catalog, kind: CapabilityKind, name: string): Found | null {
  const target = findTarget({ catalog, mounted: false, mode: 'all' }, kind, name)
  if (target.kind === 'builtin') return { by: 'builtin', target }
  return target.kind === 'capability' ? { by: nameOf(target.entry, name), target } : null
}

function atServer(
  catalog: Catalog,
  kind: CapabilityKind,
  { name, server }: { name: string; server: string },
): Found | null {
  const own = catalog.entries(kind).filter((entry) => entry.server.id === server)
  const entry = own.find(({ original }) => original === name)
  // A template by its own text is the template, and no address that it covers.
  const called = entry?.kind === 'template' ? entry.publicName : name
  if (entry !== undefined) return { by: 'server', target: { kind: 'capability', name: called, entry } }
  const index = catalog.spec.servers.findIndex(({ id }) => id === server)
  const isUri = kind === 'resource' || kind === 'template'
  const found = inPortal(catalog, kind, (isUri ? catalog.uris(index)?.outward(name) : null) ?? name)
  return found?.target.kind === 'capability' && found.target.entry.server.id === server ? found : null
}

function nameOf(entry: Entry, name: string): NamedBy {
  if (entry.kind === 'resource') return 'uri'
  if (entry.kind === 'template') return entry.publicName === name ? 'uri' : 'template'
  if (entry.publicName !== name) return 'bare'
  const field = entry.kind === 'tool' ? 'tools' : 'prompts'
  return curationIn(entry.server, field, entry.original).alias === null ? 'public' : 'alias'
}

/** Names that hold the one that was given, or are held by it. */
function nearTo(catalog: Catalog, kinds: readonly CapabilityKind[], name: string): string[] {
  const wanted = name.toLowerCase()
  const isLike = (one: string) => one.toLowerCase().includes(wanted) || wanted.includes(one.toLowerCase())
  const ours = kinds.includes('tool') ? [...BUILTINS.keys()].filter(isLike) : []
  const theirs = kinds.flatMap((kind) =>
    catalog
      .entries(kind)
      .filter(({ publicName, original }) => isLike(publicName) || isLike(original))
      .map(({ publicName }) => publicName),
  )
  return [...ours, ...theirs].slice(0, MOST_NEAR)
}
