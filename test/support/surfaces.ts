/**
 * Every way to one of the witnesses' capabilities, as a table of tries: the request, what it is about, and what the server would be
 * sent. A test says of each what must come of it.
 */
import type { JsonObject } from '../../src/protocol/model.ts'
import { type Caller, type Input, isListed, mayCall, PATHS, type RuleSet, type Thing } from './naive-policy.ts'
import { SERVERS } from './policy-room.ts'
import { deed, PROMPTS, resourcesOf, SHARED_URI, TOOLS, templatesOf } from './witness.ts'

/** Below the portal's origin. */
export const WHOLE = '/mcp'
export const mountOf = (server: string) => `/p/default/s/${server}/mcp`

export interface Try {
  at: string
  method: string
  params: JsonObject
  /** The name or URI in the params, which an answer may repeat. */
  named: string
  /** All of which must be allowed; empty for what nobody may have. */
  things: readonly Thing[]
  /** What rules may look at; null where they cannot. */
  input: Input | null
  /** As the witness writes it down. */
  reaches: string
}

export type Fate = 'done' | 'told' | 'unknown'

/** What must come of it. */
export function fateOf({ things, input }: Try, rules: RuleSet, caller: Caller): Fate {
  if (things.length === 0 || !things.every((thing) => isListed(rules, caller, thing))) return 'unknown'
  return input === null || things.every((thing) => mayCall(rules, caller, { thing, input })) ? 'done' : 'told'
}

type Place = { at: string; servers: readonly string[] }
const PLACES: readonly Place[] = [
  { at: WHOLE, servers: SERVERS },
  ...SERVERS.map((server) => ({ at: mountOf(server), servers: [server] })),
]

/** What is listed at a place to somebody who may have everything, by method: the name and what it is. */
export function listsAt(at: string): Readonly<Record<string, readonly (readonly [string, Thing])[]>> {
  const { servers } = placeAt(at)
  const each = (of: (server: string) => (readonly [string, Thing])[]) => servers.flatMap(of)
  return {
    'tools/list': each((server) => toolsOf(server).map((thing) => [shownName(at, thing), thing])),
    'prompts/list': each((server) => promptsOf(server).map((thing) => [shownName(at, thing), thing])),
    'resources/list': each((server) => resourceThings(server).map((thing) => [shownUri(at, thing), thing])),
    'resources/templates/list': each((server) => templateThings(server).map((thing) => [thing.name, thing])),
  }
}

function placeAt(at: string): Place {
  return PLACES.find((place) => place.at === at) as Place
}

/** Without what an admin has switched off. */
function toolsOf(server: string): Thing[] {
  const all = TOOLS.filter(({ name }) => !isOff(server, name))
  return all.map((tool) => ({
    ...{ server, kind: 'tool', name: tool.name },
    annotations: 'annotations' in tool ? tool.annotations : {},
  }))
}

function isOff(server: string, name: string): boolean {
  return server === 'gamma' && name === 'wipe'
}

function promptsOf(server: string): Thing[] {
  return PROMPTS.map((name) => ({ server, kind: 'prompt', name, annotations: {} }))
}

function resourceThings(server: string): Thing[] {
  return resourcesOf(server).map((name) => ({ server, kind: 'resource', name, annotations: {} }))
}

/** The first server owns what several have, and those of others have their ids; on a mount there is only one. */
function shownUri(at: string, { server, name }: Thing): string {
  const isOwn = name !== SHARED_URI || at !== WHOLE || server === SERVERS[0]
  return isOwn ? name : `portico:${server}:${name}`
}

function templateThings(server: string): Thing[] {
  return templatesOf(server).map((name) => ({ server, kind: 'template', name, annotations: {} }))
}

const aliasOf = ({ server, name }: Thing) => (server === 'beta' && name === 'write' ? 'put' : name)
const shownName = (at: string, thing: Thing) => (at === WHOLE ? `${thing.server}_${aliasOf(thing)}` : aliasOf(thing))

/** By its public name, its alias and its bare name, as far as it has them there. */
function namesOf(at: string, thing: Thing): string[] {
  const names = [shownName(at, thing)]
  if (at !== WHOLE || thing.server === SERVERS[0]) names.push(thing.name)
  return [...new Set(names)]
}

/** All there is. */
export function allTries(): Try[] {
  return PLACES.flatMap(({ at, servers }) =>
    servers.flatMap((server) => [
      ...toolsOf(server).flatMap((thing) => namesOf(at, thing).flatMap((name) => calls(at, name, thing))),
      ...promptsOf(server).flatMap((thing) => namesOf(at, thing).flatMap((name) => prompts(at, name, thing))),
      ...resourceThings(server).map((thing) => read(at, shownUri(at, thing), [thing], thing.name)),
      ...templateThings(server).flatMap((thing) => throughTemplate(at, thing)),
      // What an admin has switched off, or given another name, is nobody's under the old one.
      ...(server === 'gamma' ? [nobodys(at, at === WHOLE ? 'gamma_wipe' : 'wipe')] : []),
      ...(server === 'beta' && at === WHOLE ? [nobodys(at, 'beta_write')] : []),
    ]),
  )
}

const INPUTS: readonly JsonObject[] = [{}, ...PATHS.map((path) => ({ path }))]

function calls(at: string, name: string, thing: Thing): Try[] {
  return INPUTS.map((input) => ({
    ...{ at, method: 'tools/call', params: { name, arguments: input }, named: name, things: [thing], input },
    reaches: `${thing.server}: ${deed('tools/call', { name: thing.name, arguments: input })}`,
  }))
}

function prompts(at: string, name: string, thing: Thing): Try[] {
  const { server, name: own } = thing
  const input = { about: 'x' }
  const argument = { name: 'about', value: '' }
  const about = { at, named: name, things: [thing] }
  const [get, complete] = ['prompts/get', 'completion/complete']
  const ref = (to: string) => ({ ref: { type: 'ref/prompt', name: to }, argument })
  return [
    {
      ...{ ...about, method: get, params: { name, arguments: input }, input },
      reaches: `${server}: ${deed(get, { name: own, arguments: input })}`,
    },
    {
      ...{ ...about, method: complete, params: ref(name), input: null },
      reaches: `${server}: ${deed(complete, ref(own))}`,
    },
  ]
}

/** @param own as the server calls it */
function read(at: string, uri: string, things: readonly Thing[], own = uri): Try {
  const [thing] = things
  const about = { at, method: 'resources/read', params: { uri }, named: uri, things, input: { uri: own } }
  return { ...about, reaches: `${thing?.server}: ${deed('resources/read', { uri: own })}` }
}

/** A read is judged as what it is read through and as what it is. */
function throughTemplate(at: string, template: Thing): Try[] {
  const uri = template.name.replace('{name}', 'two')
  const through: Thing = { ...template, kind: 'resource', name: uri }
  const argument = { name: 'name', value: '' }
  const method = 'completion/complete'
  const ref = (to: string) => ({ ref: { type: 'ref/resource', uri: to }, argument })
  const reaches = `${template.server}: ${deed(method, ref(template.name))}`
  return [
    read(at, uri, [template, through]),
    { at, method, params: ref(template.name), named: template.name, things: [template], input: null, reaches },
    { at, method, params: ref(uri), named: uri, things: [template, through], input: null, reaches },
  ]
}

function nobodys(at: string, name: string): Try {
  const params = { name, arguments: {} }
  return { at, method: 'tools/call', params, named: name, things: [], input: {}, reaches: '' }
}
