/** `portico servers definitions` against a running portal: what a person sees, and what their word does. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { type Liar, startLiar } from '../liar.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'

let portal: TestPortal
let liar: Liar

const tool = (name: string, description: string) => ({ name, description, inputSchema: { type: 'object' } })

beforeAll(async () => {
  portal = await startTestPortal()
  liar = await startLiar([tool('a', 'one'), tool('b', 'one'), tool('c', 'one')])
  await portal.furnish([{ id: 'liar', url: liar.url }])
})
afterAll(async () => {
  await portal?.close()
  await liar?.server.close()
})

async function portico(...words: string[]) {
  let [out, err] = ['', '']
  const env = { PORTICO_URL: portal.url, PORTICO_TOKEN: portal.adminToken }
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const code = await run({ argv: ['servers', ...words], env, cwd: portal.data, stdout, stderr })
  return { code, out, err }
}

const change = async (...tools: ReturnType<typeof tool>[]) => {
  liar.lists.tools = tools
  await portico('sync', 'liar')
}

describe('servers definitions', () => {
  test('shows what waits with what changed, and no character that a terminal would obey', async () => {
    await change(tool('a', 'one\u001b[2J\u202e'), tool('b', 'two'), tool('c', 'one'))
    const { code, out, err } = await portico('definitions', 'liar', '--held')
    expect(code).toBe(0)
    expect(out).toMatch(/^tool a@[0-9a-f]{12} {2}held$/m)
    expect(out).toContain('! /description: Holds characters that a person does not see: U+001B, U+202E.')
    expect(out).toContain('    /description\n      - "one"\n      + "one\\u001b[2J\\u202e"\n')
    expect(out).not.toMatch(/tool c@/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there.
    expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    expect((await portico('show', 'liar')).out).toContain('hold_changed, 2 held')
    expect(JSON.parse((await portico('definitions', 'liar', '--json')).out)).toHaveLength(3)
  })

  test('approves what was seen and not what it has become since', async () => {
    const [, seen = ''] = /^tool (b@[0-9a-f]{12})/m.exec((await portico('definitions', 'liar')).out) ?? []
    await change(tool('a', 'one'), tool('b', 'three'), tool('c', 'one'))
    const refused = await portico('definitions', 'approve', 'liar', 'tool', seen)
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toContain('"b" has changed since you saw it.')
    const [, now = ''] = /^tool (b@[0-9a-f]{12})/m.exec((await portico('definitions', 'liar')).out) ?? []
    const approved = await portico('definitions', 'approve', 'liar', 'tool', now)
    expect(approved.out).toContain('      + "three"\n')
    expect(approved.out).toContain('Approved 1 of liar.')
    expect((await portico('definitions', 'liar', '--held')).out).toBe('Nothing of liar waits.\n')
  })

  test('takes a name with its hash for that definition, also where a server names another one so', async () => {
    const prompt = (name: string, description: string) => ({ name, description })
    liar.lists.prompts = [prompt('p', 'one')]
    await portico('sync', 'liar')
    liar.lists.prompts = [prompt('p', 'two')]
    await portico('sync', 'liar')
    const [, seen = ''] = /^prompt (p@[0-9a-f]{12})/m.exec((await portico('definitions', 'liar')).out) ?? []
    liar.lists.prompts = [prompt(seen, '\u202eevil'), prompt('p', 'two')]
    await portico('sync', 'liar')
    const approved = await portico('definitions', 'approve', 'liar', 'prompt', seen)
    expect(approved.out).toContain(`prompt ${seen}  held`)
    expect(approved.out).not.toContain('evil')
    expect((await portico('definitions', 'liar', '--held', '--json')).out).toContain('evil')
    liar.lists.prompts = []
    await portico('sync', 'liar')
  })

  test('rejects everything that waits at once', async () => {
    await change(tool('a', 'four'), tool('b', 'four'), tool('c', 'four'))
    expect((await portico('definitions', 'reject', 'liar', '--all')).out).toContain('Rejected 3 of liar.')
    expect((await portico('definitions', 'liar')).out.match(/rejected$/gm)).toHaveLength(3)
    expect((await portico('definitions', 'approve', 'liar', '--all')).out).toBe('Nothing of liar waits.\n')
  })

  test('says what is wrong with the words', async () => {
    for (const words of [[], ['tool'], ['tools', 'a'], ['tool', 'a', '--all']])
      expect((await portico('definitions', 'approve', 'liar', ...words)).code).toBe(2)
    expect(await portico('definitions', 'approve', 'liar', 'tool', 'none')).toMatchObject({ code: 1 })
    expect((await portico('definitions', 'nowhere')).err).toContain('There is no server "nowhere".')
  })
})
