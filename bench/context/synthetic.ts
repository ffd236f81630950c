/**
 * More servers than anybody has captured: each bears tools of the real ones, drawn by a seed, so that what is measured with a thousand or
 * ten thousand of them is text that servers really send, and the same each time.
 */
import type { Catalog, ToolDefinition } from './catalogs.ts'

export const TOOLS_A_SERVER = 50
const SEED = 2026

/** @param count of tools, a multiple of 50 */
export function syntheticCatalogs(count: number, real: readonly Catalog[]): Catalog[] {
  const stock = real.flatMap(({ tools }) => tools)
  const draw = drawer(SEED)
  return Array.from({ length: count / TOOLS_A_SERVER }, (_, at) => {
    const server = `s${String(at).padStart(3, '0')}`
    const tools = Array.from({ length: TOOLS_A_SERVER }, () => stock[draw(stock.length)] as ToolDefinition)
    return { server, package: 'synthetic', version: String(SEED), licence: 'of the real ones', tools: distinct(tools) }
  })
}

/** A server has each name once. */
function distinct(tools: readonly ToolDefinition[]): ToolDefinition[] {
  const seen = new Map<string, number>()
  return tools.map((tool) => {
    const times = (seen.get(tool.name) ?? 0) + 1
    seen.set(tool.name, times)
    return times === 1 ? tool : { ...tool, name: `${tool.name}_${times}` }
  })
}

/** mulberry32: small, and the same everywhere. @returns a whole number below `below` */
function drawer(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
