/** Tools of real servers, as those answered `tools/list` when they were captured. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '../../src/protocol/model.ts'

export const CATALOGS = join(import.meta.dirname, 'catalogs')

/** As the server sent it. */
export interface ToolDefinition extends JsonObject {
  name: string
}

export interface Catalog {
  /** Its id behind the portal. */
  server: string
  package: string
  version: string
  /** Of the package, by SPDX. */
  licence: string
  tools: readonly ToolDefinition[]
}

/** All that are kept here, by id. */
export function realCatalogs(): Catalog[] {
  return readdirSync(CATALOGS)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(CATALOGS, name), 'utf8')) as Catalog)
}

/** One tool a line: what changes from version to version can be read. */
export function catalogText({ tools, ...about }: Catalog): string {
  const lines = tools.map((tool) => `  ${JSON.stringify(tool)}`)
  return `${JSON.stringify(about).slice(0, -1)},"tools":[\n${lines.join(',\n')}\n]}\n`
}
