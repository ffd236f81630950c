/** What of declared extensions travels on. */
import { expect, test } from 'vitest'
import { relayedExtensions, TASKS, UI } from './extensions.ts'
import type { Era, JsonObject } from './model.ts'

const HTML = { mimeTypes: ['text/html;profile=mcp-app'] }

// [TASK-5]
test.each<[string, JsonObject, Era, JsonObject | null]>([
  ['nothing', {}, '2026', null],
  ['no object', { extensions: [] }, '2026', null],
  ['none that is relayed', { extensions: { 'com.example/x': {} } }, '2026', null],
  ['both', { extensions: { [UI]: HTML, 'com.example/x': {}, [TASKS]: {} } }, '2026', { [TASKS]: {}, [UI]: HTML }],
  ['both, in 2025', { extensions: { [UI]: HTML, [TASKS]: {} } }, '2025', { [UI]: HTML }],
  ['settings that are no object', { extensions: { [UI]: true, [TASKS]: null } }, '2026', null],
  [
    'settings that are too long',
    { extensions: { [UI]: { x: 'x'.repeat(4096) }, [TASKS]: {} } },
    '2026',
    { [TASKS]: {} },
  ],
])('of %s', (_what, capabilities, era, relayed) => {
  expect(relayedExtensions(capabilities, era)).toEqual(relayed)
})

test('what every object has is no declaration', () => {
  expect(relayedExtensions({ extensions: Object.create({ [UI]: {} }) as JsonObject }, '2026')).toBeNull()
})
