import { describe, expect, test } from 'vitest'
import { normaliseCode } from './normalise-code.ts'

/** What the function that came out of it gives back, by the language itself. */
async function given(text: string): Promise<unknown> {
  const normal = normaliseCode(text)
  if ('wrong' in normal) throw new Error(normal.wrong)
  return new Function(`return (${normal.code})()`)()
}

describe('what a model writes is taken for what it plainly means:', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['an async arrow function', 'async () => 42'],
    ['one that has a semicolon behind it', 'async () => 42;'],
    ['one in parentheses', '(async () => 42)'],
    ['one that is called already', '(async () => 42)()'],
    ['an arrow function that is not async', '() => 42'],
    ['one with parameters of its own', 'async (input) => input === undefined ? 42 : 0'],
    ['an async function expression', 'async function () { return 42 }'],
    ['a named function, which is called', 'async function main() { return 42 }'],
    ['a default export of an arrow function', 'export default async () => 42'],
    ['a default export of a function', 'export default async function main() { return 42 }'],
    ['a default export of a function without a name', 'export default function () { return 42 }'],
    ['a default export of a value', 'export default 42'],
    ['a block of Markdown', '```js\nasync () => 42\n```'],
    ['a block of Markdown that does not say what is in it', '```\nasync () => 42\n```\n'],
    ['an expression', '40 + 2'],
    ['an expression that waits', 'await Promise.resolve(42)'],
    ['statements, of which the last is the result', 'const a = 40\nconst b = 2\na + b'],
    ['statements that return', 'const a = 40; return a + 2'],
    ['an object in parentheses', '({ x: 42 }).x'],
    ['a comment behind it', 'async () => 42 // the answer'],
    ['a comment at the end of statements', 'const a = 42\na // the answer'],
  ]
  for (const [what, text] of cases) {
    test(what, async () => {
      expect(await given(text)).toBe(42)
    })
  }

  test('nothing at all is code that does nothing', async () => {
    expect(await given('')).toBeUndefined()
    expect(await given('```js\n\n```')).toBeUndefined()
  })

  test('an asynchronous function without parameters is left to the letter', () => {
    const code = 'async () => {\n  return await codemode.a_b({})\n}'
    expect(normaliseCode(`\n${code}\n`)).toEqual({ code })
  })
})

describe('what cannot be run is said in words:', () => {
  const cases = [
    ['half a function', 'async () => {', 'no JavaScript'],
    ['types', 'async () => { const a: number = 1; return a }', 'without types'],
    ['an import', 'import fs from "node:fs"\nfs', 'cannot import'],
    ['an export', 'export const a = 1', 'cannot import or export'],
    ['prose', 'I will call the tool now.', 'no JavaScript'],
    ['parentheses without an end', '('.repeat(60_000), ''],
  ] as const
  for (const [what, text, said] of cases) {
    test(what, () => {
      expect(normaliseCode(text)).toEqual({ wrong: expect.stringContaining(said) })
    })
  }
})
