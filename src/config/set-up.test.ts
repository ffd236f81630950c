import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readSettings } from '../config.ts'
import { ConfigError } from './config-error.ts'
import { readSetUp, storePublicUrl, takePublicUrl } from './set-up.ts'

let folder: string
let data: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-set-up-'))
  data = join(folder, 'data')
  path = join(data, 'setup.json')
  mkdirSync(data, { mode: 0o700 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const read = (flags = {}, env = {}) => readSettings({ flags, env, cwd: folder })
const publicUrl = ({ values, origins }: ReturnType<typeof read>) => {
  const { origin, where } = origins.get('public_url') ?? {}
  return [values.public_url, origin, where]
}

function problem(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

describe('what the set-up stored', () => {
  test('is read at the next start, for its owner alone, and is the last to be asked', () => {
    expect(publicUrl(read())).toEqual([null, 'default', 'the default of public_url'])
    storePublicUrl(data, 'https://set-up.example.com')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(publicUrl(read())).toEqual(['https://set-up.example.com', 'set-up', `${path}: public_url`])
    writeFileSync(join(folder, 'portico.yaml'), 'public_url: https://file.example.com\n')
    expect(publicUrl(read())[0]).toBe('https://file.example.com')
    const env = { PORTICO_PUBLIC_URL: 'https://env.example.com' }
    expect(publicUrl(read({}, env))[0]).toBe('https://env.example.com')
    expect(publicUrl(read({ public_url: 'https://flag.example.com' }, env))[0]).toBe('https://flag.example.com')
    expect(read({}, env).setUp?.values).toEqual({ public_url: 'https://set-up.example.com' })
  })

  test('is taken away again', () => {
    storePublicUrl(data, 'https://set-up.example.com')
    storePublicUrl(data, null)
    expect(publicUrl(read())).toEqual([null, 'default', 'the default of public_url'])
  })

  test('lies with the data, wherever a flag, a variable or the file says that it is', () => {
    const elsewhere = join(folder, 'elsewhere')
    mkdirSync(elsewhere, { mode: 0o700 })
    storePublicUrl(elsewhere, 'https://elsewhere.example.com')
    for (const settings of [read({ data: 'elsewhere' }), read({}, { PORTICO_DATA: elsewhere })])
      expect(publicUrl(settings)[0]).toBe('https://elsewhere.example.com')
    writeFileSync(join(folder, 'portico.yaml'), 'data: ./elsewhere\n')
    expect(publicUrl(read())[0]).toBe('https://elsewhere.example.com')
  })

  test.each([
    ['a key that no set-up stores', '{"public_url":null,"trusted_proxies":"0.0.0.0/0"}', 'holds "trusted_proxies"'],
    ['a key of the prototype', '{"__proto__":{"public_url":"https://x.test"}}', 'holds "__proto__"'],
    ['no JSON', '{"public_url":', 'is no JSON; mend it, or remove it'],
    ['a list', '[]', 'the file: '],
    ['a value of another type', '{"public_url":7}', 'public_url: '],
    ['a public URL in the clear', '{"public_url":"http://mcp.example.com"}', 'public_url: must be https://host'],
  ])('is refused where it is or holds %s', (_, text, why) => {
    writeFileSync(path, text, { mode: 0o600 })
    const said = problem(read)
    expect(said).toContain(path)
    expect(said).toContain(why)
  })

  test('is refused where others could have written it, and as a link', () => {
    storePublicUrl(data, 'https://set-up.example.com')
    chmodSync(path, 0o622)
    expect(problem(read)).toContain(`chmod 600 '${path}'`)
    const target = join(folder, 'target.json')
    writeFileSync(target, '{}', { mode: 0o600 })
    rmSync(path)
    symlinkSync(target, path)
    expect(problem(read)).toContain('is a link')
    expect(readFileSync(target, 'utf8')).toBe('{}')
  })

  test('is whole again once it is stored anew', () => {
    writeFileSync(path, 'broken by hand', { mode: 0o644 })
    storePublicUrl(data, 'https://set-up.example.com')
    expect(publicUrl(read())[0]).toBe('https://set-up.example.com')
  })

  test('opens no door: another address to listen on still needs https', () => {
    storePublicUrl(data, 'http://127.0.0.1:8787')
    expect(problem(() => read({ host: '0.0.0.0' }))).toContain('public_url')
  })

  test('is not there before anything was stored', () => {
    expect(readSetUp(join(folder, 'nowhere'))).toBeNull()
    expect(existsSync(path)).toBe(false)
  })
})

test.each([
  ['https://mcp.example.com', { publicUrl: 'https://mcp.example.com' }],
  [' https://mcp.example.com:8443/ ', { publicUrl: 'https://mcp.example.com:8443' }],
  ['http://localhost:8787', { publicUrl: 'http://localhost:8787' }],
  ['http://mcp.example.com', { problem: expect.stringContaining('must be https://host') }],
  ['https://mcp.example.com/portal', { problem: expect.stringContaining('without a path') }],
  ['https://user:secret@mcp.example.com', { problem: expect.stringContaining('must be https://host') }],
  ['javascript:alert(1)', { problem: expect.stringContaining('must be https://host') }],
  ['', { problem: expect.stringContaining('must be https://host') }],
])('a public URL "%s" is judged as the setting is', (text, result) => {
  expect(takePublicUrl(text)).toEqual(result)
})
