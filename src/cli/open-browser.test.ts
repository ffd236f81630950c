/** Which addresses the command line hands to a program of the desktop, and how: a fake one writes down what it is given. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBrowser } from './open-browser.ts'

let folder: string
let seen: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-browser-'))
  seen = join(folder, 'seen')
  // By the names that Linux and macOS have for it.
  for (const name of ['xdg-open', 'open']) {
    const script = join(folder, name)
    writeFileSync(script, `#!/bin/sh\n{ printf '%s\\n' "$#" "$@"; } > "$SEEN.part"\n/bin/mv "$SEEN.part" "$SEEN"\n`)
    chmodSync(script, 0o755)
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const open = async (url: string, name: string) => {
  const file = `${seen}-${name}`
  const started = await openBrowser(url, { PATH: folder, SEEN: file })
  return { started, file }
}

describe('the browser of whoever sits here', () => {
  test.each([
    ['https', 'https://portal.example/connect/x?link=abc'],
    ['http on this machine', 'http://127.0.0.1:8787/connect/x?link=abc'],
    ['http on localhost', 'http://localhost:8787/'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell would read it, and must not
    ['what a shell would read', 'https://portal.example/$(touch${IFS}/tmp/x);`id`&a=b|c'],
    ['what looks like an option further on', 'https://portal.example/ --version'.replace(' ', '%20')],
  ])('%s is opened as one argument', async (name, url) => {
    const { started, file } = await open(url, name.replaceAll(/\W/g, ''))
    expect(started).toBe(true)
    await expect.poll(() => existsSync(file)).toBe(true)
    const [count, address, ...more] = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect({ count, more }).toEqual({ count: '1', more: [] })
    expect(address).toBe(new URL(url).href)
  })

  test.each([
    ['a file', 'file:///etc/passwd'],
    ['a program', 'ms-msdt:/id'],
    ['a script', 'javascript:alert(1)'],
    ['data', 'data:text/html,x'],
    ['http elsewhere', 'http://portal.example/'],
    ['an option', '--version'],
    ['a path', '/usr/bin/xcalc'],
    ['a password', 'https://user:pass@portal.example/'],
    ['a line break', 'https://portal.example/\n--version'],
    ['a blank', ' https://portal.example/'],
    ['nothing', ''],
  ])('%s is not opened, and no program is started', async (name, url) => {
    const { started, file } = await open(url, `no${name.replaceAll(/\W/g, '')}`)
    expect(started).toBe(false)
    expect(existsSync(file)).toBe(false)
  })

  test('where there is no such program, that is said', async () => {
    expect(await openBrowser('https://portal.example/', { PATH: join(folder, 'nowhere') })).toBe(false)
  })
})
