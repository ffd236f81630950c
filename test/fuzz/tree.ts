/**
 * JSON as it is written, which is more than what it means: members in order and as often as they stand there, and texts
 * and numbers as they are spelled. The fuzzer mutates trees, and a reader that shares no line with the program's own
 * says what bytes hold. It goes no deeper than it must, so that no nesting can end it.
 */
import type { Chance } from './chance.ts'

export type Tree =
  /** A text, number or word as it is spelled. */
  | { kind: 'token'; text: string }
  | { kind: 'array'; items: Tree[] }
  | { kind: 'object'; members: [key: string, value: Tree][] }

export const token = (value: unknown): Tree => ({ kind: 'token', text: JSON.stringify(value) ?? 'null' })

/** Keys are kept spelled, with their quotes. */
export function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return { kind: 'array', items: value.map(treeOf) }
  if (typeof value !== 'object' || value === null) return token(value)
  const members = Object.entries(value).filter(([, one]) => one !== undefined)
  return { kind: 'object', members: members.map(([key, one]) => [JSON.stringify(key), treeOf(one)]) }
}

/** @param space what may stand between the parts */
export function spell(tree: Tree, space: () => string = () => ''): string {
  if (tree.kind === 'token') return tree.text
  if (tree.kind === 'array')
    return `[${space()}${tree.items.map((one) => spell(one, space)).join(`${space()},${space()}`)}]`
  const members = tree.members.map(([key, value]) => `${key}${space()}:${space()}${spell(value, space)}`)
  return `{${space()}${members.join(`${space()},${space()}`)}${space()}}`
}

export interface Reading {
  tree: Tree
  depth: number
}

const MOST_DEPTH = 200
const TOKEN =
  /[ \t\n\r]*(?:("(?:[^"\\]|\\[\s\S])*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([{}[\],:]))/y
const END = /[ \t\n\r]*$/y

/**
 * Reads text as JSON, leniently inside of strings: what matters is the structure that any reader could see.
 *
 * @returns null for what has none, or is nested beyond all use
 */
export function read(text: string): Reading | null {
  let at = 0
  let depth = 0
  const take = (): { text: string; kind: 'string' | 'plain' | 'mark' } | null => {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    if (found === null) return null
    at = TOKEN.lastIndex
    if (found[1] !== undefined) return { text: found[1], kind: 'string' }
    return found[2] === undefined ? { text: found[3] ?? '', kind: 'mark' } : { text: found[2], kind: 'plain' }
  }
  const peek = (mark: string): boolean => {
    const before = at
    if (take()?.text === mark) return true
    at = before
    return false
  }
  const value = (level: number): Tree | null => {
    depth = Math.max(depth, level)
    const first = take()
    if (first === null || level > MOST_DEPTH) return null
    if (first.kind !== 'mark') return { kind: 'token', text: first.text }
    if (first.text === '[') return array(level)
    return first.text === '{' ? object(level) : null
  }
  const array = (level: number): Tree | null => {
    const items: Tree[] = []
    if (peek(']')) return { kind: 'array', items }
    for (;;) {
      const item = value(level + 1)
      if (item === null) return null
      items.push(item)
      if (peek(']')) return { kind: 'array', items }
      if (!peek(',')) return null
    }
  }
  const object = (level: number): Tree | null => {
    const members: [string, Tree][] = []
    if (peek('}')) return { kind: 'object', members }
    for (;;) {
      const key = take()
      if (key?.kind !== 'string' || !peek(':')) return null
      const member = value(level + 1)
      if (member === null) return null
      members.push([key.text, member])
      if (peek('}')) return { kind: 'object', members }
      if (!peek(',')) return null
    }
  }
  const tree = value(0)
  END.lastIndex = at
  return tree !== null && END.test(text) ? { tree, depth } : null
}

/** The key as a reader decodes it; as spelled, where none can. */
export function keyOf(spelled: string): string {
  try {
    return JSON.parse(spelled) as string
  } catch {
    return spelled.slice(1, -1)
  }
}

/** All places of a tree that can be changed, outermost first. */
export function placesOf(tree: Tree, places: Tree[] = []): Tree[] {
  places.push(tree)
  if (tree.kind === 'array') for (const item of tree.items) placesOf(item, places)
  if (tree.kind === 'object') for (const [, value] of tree.members) placesOf(value, places)
  return places
}

const ODD_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'id',
  'method',
  'result',
  'error',
  'jsonrpc',
  'params',
  '_meta',
  'ID',
  'Method',
  'param\u017f',
  '\\u0069d',
  '',
  'toString',
  'hasOwnProperty',
  'then',
  '\\u0000',
  'io.modelcontextprotocol/protocolVersion',
]
const ODD_TOKENS = [
  'null',
  'true',
  '0',
  '-0',
  '-1',
  '1e400',
  '-1e-400',
  '9007199254740993',
  '1.5',
  '0.1e1',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\u2028"',
  '"\u2028"',
  '"__proto__"',
  '"\\r\\n\\r\\nevent: x"',
  '"-32603"',
  '[]',
  '{}',
  '"../../etc"',
  '"2026-07-28"',
  '"2099-01-01"',
  `"${'x'.repeat(3000)}"`,
  '123456789012345678901234567890',
]

function deep(levels: number, isObject: boolean): Tree {
  let tree: Tree = token(0)
  for (let level = 0; level < levels; level++) {
    tree = isObject ? { kind: 'object', members: [['"a"', tree]] } : { kind: 'array', items: [tree] }
  }
  return tree
}

function become(place: Tree, other: Tree): void {
  // The other may be this one, or hold it.
  const copy = structuredClone(other)
  for (const key of Object.keys(place)) Reflect.deleteProperty(place, key)
  Object.assign(place, copy)
}

/** Changes one thing about a tree, in place. */
export function mutate(chance: Chance, root: Tree): void {
  const places = placesOf(root)
  const place = chance.oneIn(3) ? chance.pick(places.slice(0, 8)) : chance.pick(places)
  if (place.kind === 'object' && !chance.oneIn(3)) mutateMembers(chance, place)
  else if (place.kind === 'array' && chance.oneIn(8)) place.items.push(token(1))
  else become(place, otherThan(chance, place, places))
}

function otherThan(chance: Chance, place: Tree, places: readonly Tree[]): Tree {
  switch (chance.below(8)) {
    case 0:
      return chance.pick(places)
    case 1:
      return deep(chance.pick([3, 60, 63, 64, 65, 150]), chance.oneIn(2))
    case 2:
      return { kind: 'array', items: [place] }
    default:
      return { kind: 'token', text: chance.pick(ODD_TOKENS) }
  }
}

function mutateMembers(chance: Chance, { members }: Extract<Tree, { kind: 'object' }>): void {
  const at = chance.below(Math.max(1, members.length))
  const member = members[at]
  switch (chance.below(7)) {
    case 0:
      members.splice(at, 1)
      return
    case 1:
      members.push([`"${chance.pick(ODD_KEYS)}"`, { kind: 'token', text: chance.pick(ODD_TOKENS) }])
      return
    case 2:
      if (member) members.splice(chance.below(members.length), 0, structuredClone(member))
      return
    case 3:
      if (member) member[0] = spelledOddly(chance, member[0])
      return
    case 4:
      members.reverse()
      return
    case 5:
      if (member) members.push([spelledOddly(chance, member[0]), { kind: 'token', text: chance.pick(ODD_TOKENS) }])
      return
    default:
      members.unshift([`"${chance.pick(ODD_KEYS)}"`, deep(chance.below(4), true)])
  }
}

/** The same key for some readers: other case, escapes, letters that fold into it. */
function spelledOddly(chance: Chance, key: string): string {
  const inner = key.slice(1, -1)
  const at = chance.below(Math.max(1, inner.length))
  const letter = inner[at] ?? ''
  const other = chance.pick([
    letter.toUpperCase(),
    `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
    `${letter}\\u0000`,
    `${letter}\u200b`,
  ])
  return letter === '' || letter === '\\' ? key : `"${inner.slice(0, at)}${other}${inner.slice(at + 1)}"`
}

/** Changes a few bytes without any respect for what they mean. */
export function garble(chance: Chance, bytes: Buffer): Buffer {
  const at = chance.below(bytes.length + 1)
  switch (chance.below(7)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return Buffer.concat([bytes, Buffer.from(chance.pick([' ', '\n', '}', 'x', '{}', '\0', '\ufeff', ',{"id":1}']))])
    case 2:
      return Buffer.concat([Buffer.from(chance.pick(['\ufeff', ' \r\n\t', '\0', '[', '/**/', ')]}'])), bytes])
    case 3:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([chance.below(256)]), bytes.subarray(at)])
    case 4:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(chance.pick([[0xc3, 0x28], [0xff], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf4, 0x90, 0x80, 0x80]])),
        bytes.subarray(at),
      ])
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + chance.below(4))])
    default: {
      const copy = Buffer.from(bytes)
      if (at < copy.length) copy[at] = chance.below(256)
      return copy
    }
  }
}

const SPACES = ['', '', '', ' ', '\n', '\r\n', '\r', '\t']

/** A tree as bytes, with spaces of every kind now and then. */
export function bytesOf(chance: Chance, tree: Tree): Buffer {
  return Buffer.from(chance.oneIn(3) ? spell(tree, () => chance.pick(SPACES)) : spell(tree))
}
