/**
 * Has the conversation of `docs/guides/code-mode.md` with a real portal and writes down what was said; it takes about ten seconds.
 * `test/journeys/code-mode-guide.test.ts` fails where the guide says something else.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { converse } from '../test/code-mode-guide/conversation.ts'
import { withConversation } from './code-mode-page.ts'

const GUIDE = join(import.meta.dirname, '..', 'docs', 'guides', 'code-mode.md')

writeFileSync(GUIDE, withConversation(readFileSync(GUIDE, 'utf8'), await converse()))
console.log(`wrote ${GUIDE}`)
