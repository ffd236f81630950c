/**
 * Where an answer of a server names resources (MCP 2026-07-28: resources, tools, prompts), and the same answer with other URIs in these
 * places. All else stays as it came, to the letter. Only for answers of which somebody knows that they have to be looked into.
 */
import { parse, skipSpace, skipValue } from './json-bytes.ts'
import type { RawReply, Span } from './model.ts'
import { scanReply, spansIn } from './scan.ts'
import { type Edit, replaceInBody } from './splice.ts'

/** Members on the way to a place; `*` is each element of an array, or the value itself where it is none. */
type Path = readonly string[]

/** A link, or a resource that is embedded. */
const blocks = (...way: Path): readonly Path[] => [
  [...way, '*', 'uri'],
  [...way, '*', 'resource', 'uri'],
]

const IN_RESULT: ReadonlyMap<string, readonly Path[]> = new Map([
  ['resources/read', [['contents', '*', 'uri']]],
  ['tools/call', blocks('content')],
  ['prompts/get', blocks('messages', '*', 'content')],
  // A task that is done has the result of its call in it (SEP-2663); the older ones give it by itself.
  ['tasks/get', blocks('result', 'content')],
  ['tasks/result', blocks('content')],
])
/** "Resource not found" says of which it speaks. */
const IN_ERROR: readonly Path[] = [['data', 'uri']]

/**
 * @param method that was answered
 * @param map a URI as it stands there to the one that is to stand there
 * @returns the same reply where nothing changes
 */
export function withUris(raw: RawReply, method: string, map: (uri: string) => string): RawReply {
  const paths = raw.outcome === 'error' ? IN_ERROR : (IN_RESULT.get(method) ?? [])
  const spans: Span[] = []
  for (const path of paths) collect(raw.bytes, raw.body, { path, at: 0, spans })
  const edits = spans.flatMap((span): Edit[] => {
    const uri = parse(raw.bytes, span)
    const mapped = typeof uri === 'string' ? map(uri) : uri
    return typeof mapped === 'string' && mapped !== uri ? [{ ...span, text: JSON.stringify(mapped) }] : []
  })
  if (edits.length === 0) return raw
  const rewritten = scanReply(replaceInBody(raw, edits))
  if (rewritten === null) throw new Error('an answer with other URIs is no answer')
  return raw.isOwnTask === true ? { ...rewritten, isOwnTask: true } : rewritten
}

interface Walk {
  path: Path
  /** How far along it. */
  at: number
  spans: Span[]
}

/** The bytes are proven: only what is an object or an array there may not be known. */
function collect(bytes: Buffer, span: Span, walk: Walk): void {
  const step = walk.path[walk.at]
  if (step === undefined) walk.spans.push(span)
  else for (const found of steppedTo(bytes, span, step)) collect(bytes, found, { ...walk, at: walk.at + 1 })
}

function steppedTo(bytes: Buffer, span: Span, step: string): readonly Span[] {
  if (step === '*') return bytes[span.from] === 0x5b ? elementsOf(bytes, span) : [span]
  if (bytes[span.from] !== 0x7b) return []
  // What stands there twice, or nearly so, no reader can rely on: it stays as it is.
  const found = spansIn({ bytes, body: span }, [step])?.[step]
  return found === undefined ? [] : [found]
}

/** @param span of an array in proven bytes */
function elementsOf(bytes: Buffer, { from, to }: Span): Span[] {
  const elements: Span[] = []
  let at = skipSpace(bytes, from + 1)
  while (at < to - 1) {
    const end = skipValue(bytes, at, 1)
    // Nested deeper than the proof went down is not possible.
    if (end === -1) return []
    elements.push({ from: at, to: end })
    at = skipSpace(bytes, end)
    if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1)
  }
  return elements
}
