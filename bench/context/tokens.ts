/** How many tokens a text is for a model, by a tokenizer that is named wherever a number of it stands. */
import { readFileSync } from 'node:fs'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { z } from 'zod'

const MANIFEST = new URL('../../node_modules/gpt-tokenizer/package.json', import.meta.url)
const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(MANIFEST, 'utf8')))

export const TOKENIZER = `o200k_base of gpt-tokenizer ${version}`

/** Words that steer some models are text like any other here. */
export function tokensOf(text: string): number {
  return countTokens(text, { disallowedSpecial: new Set() })
}
