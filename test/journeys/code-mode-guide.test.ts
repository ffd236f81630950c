/** `docs/guides/code-mode.md` shows a conversation with `examples/code-mode`, and that is what is said. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { withConversation } from '../../scripts/code-mode-page.ts'
import { converse } from '../code-mode-guide/conversation.ts'

const GUIDE = fileURLToPath(new URL('../../docs/guides/code-mode.md', import.meta.url))

test('the guide to code mode has, word for word, what an agent and a portal say to each other', async () => {
  const guide = readFileSync(GUIDE, 'utf8')
  expect(withConversation(guide, await converse()), 'node scripts/code-mode-guide.ts writes it').toBe(guide)
})
