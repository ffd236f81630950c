/** A tool's answer as code gets it: what the tool says, without what surrounds it. */
import { parse } from '../../protocol/json-bytes.ts'
import type { Json, JsonObject, Reply } from '../../protocol/model.ts'
import { readRawError } from '../../protocol/raw-error.ts'

/** The tool failed: thrown in the code, by its own words. */
export class ToolFailed extends Error {}

/**
 * 1. `toolResult`, as servers of 2024 may have it
 * 2. `structuredContent`
 * 3. content that is text alone: read as JSON where it is JSON, else as text
 * 4. content as it is
 *
 * @throws ToolFailed with the tool's own text where it says that it failed
 */
export function unwrapped(reply: Reply): Json {
  const result = resultOf(reply)
  if (result.toolResult !== undefined) return result.toolResult
  const content = Array.isArray(result.content) ? result.content : []
  const texts = content.flatMap((block) =>
    isObject(block) && block.type === 'text' && typeof block.text === 'string' ? [block.text] : [],
  )
  if (result.isError === true) throw new ToolFailed(texts.length === 0 ? 'Tool call failed' : texts.join('\n'))
  if (result.structuredContent !== undefined) return result.structuredContent
  if (texts.length === 0 || texts.length < content.length) return content
  return read(texts.join('\n'))
}

/** @throws ToolFailed */
function resultOf(reply: Reply): JsonObject {
  switch (reply.kind) {
    case 'result':
      return reply.result
    case 'error':
      throw new ToolFailed(reply.error.message)
    case 'bytes':
      return asObject(JSON.parse(reply.bytes.toString()))
    case 'raw':
      if (reply.outcome === 'error') throw new ToolFailed(readRawError(reply).message)
      return asObject(parse(reply.bytes, reply.body))
  }
}

function read(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    // Most text is no JSON, and that is no failure.
    return text
  }
}

function asObject(value: Json | undefined): JsonObject {
  return isObject(value ?? null) ? (value as JsonObject) : {}
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
