/** What is installed and what is published: that nothing of it is another thing than what was looked at. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const LOCK = join(ROOT, 'package-lock.json')

interface Entry {
  version: string
  license?: string
  integrity?: string
  resolved?: string
  dev?: boolean
  link?: boolean
  hasInstallScript?: boolean
  dependencies?: Record<string, string>
}
interface Lock {
  packages: Record<string, Entry>
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-supply-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const readLock = (): Lock => JSON.parse(readFileSync(LOCK, 'utf8'))

async function script(name: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(ROOT, 'scripts', name), ...args])
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, out: stdout, err: stderr }
  }
}

describe('the lockfile', () => {
  async function judged(change: (entry: Entry) => void, name = 'hono'): Promise<string> {
    const lock = readLock()
    const entry = lock.packages[`node_modules/${name}`]
    if (entry === undefined) throw new Error(`${name} is not in the lockfile`)
    change(entry)
    const path = join(folder, 'package-lock.json')
    writeFileSync(path, JSON.stringify(lock))
    const { code, err } = await script('lockfile.mjs', path)
    expect(code).toBe(1)
    return err
  }

  test('as it stands pins each package', async () => {
    expect(await script('lockfile.mjs')).toMatchObject({ code: 0, err: '' })
  })
  // [SUPPLY-2]
  test('with a package of no hash, of another host, of a range or that runs a script when installed fails', async () => {
    expect(await judged((entry) => delete entry.integrity)).toContain('node_modules/hono: no SHA-512 integrity')
    expect(await judged((entry) => Object.assign(entry, { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }))).toContain(
      'no SHA-512',
    )
    expect(await judged((entry) => Object.assign(entry, { resolved: 'https://evil.test/hono.tgz' }))).toContain(
      'from https://evil.test',
    )
    expect(await judged((entry) => Object.assign(entry, { version: '^4' }))).toContain('version "^4"')
    expect(await judged((entry) => Object.assign(entry, { hasInstallScript: true }))).toContain('has an install script')
  })

  test('that has npm leave out what runs code on an older Node fails', async () => {
    const older = (entry: Entry) => Object.assign(entry, { engines: { node: '>=24.0.0' } })
    expect(await judged(older, 'isolated-vm')).toContain('node_modules/isolated-vm: wants {"node":">=24.0.0"}')
  })
})

describe('the Node that npm brings', () => {
  // [SUPPLY-1]
  test('stops the check of a change when one byte of it is another', async () => {
    const brought =
      readdirSync(join(ROOT, 'node_modules')).find((name) => /^node-(bin-)?(linux|darwin|win)-/.test(name)) ?? ''
    const name = process.platform === 'win32' ? 'node.exe' : 'node'
    const bytes = readFileSync(join(ROOT, 'node_modules', brought, 'bin', name))
    const bin = join(folder, 'node_modules', brought, 'bin')
    mkdirSync(bin, { recursive: true })
    writeFileSync(join(bin, name), bytes)
    expect(await script('brought-node.ts', folder)).toMatchObject({ code: 0 })
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    writeFileSync(join(bin, name), bytes)
    expect(await script('brought-node.ts', folder)).toMatchObject({
      code: 1,
      err: expect.stringContaining('not the known bytes'),
    })
  })
  test('is pinned for every platform that it is brought for', () => {
    const source = readFileSync(join(ROOT, 'src', 'cli', 'brought-node.ts'), 'utf8')
    const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const pinned = [...source.matchAll(/^ {2}'([\w-]+)': '[0-9a-f]{64}',$/gm)].map((match) => match[1])
    const brought = Object.entries(optionalDependencies).filter(([name]) => name.startsWith('node-'))
    expect(pinned.sort()).toEqual(brought.map(([name]) => name).sort())
    for (const [, version] of brought) expect(source).toContain(`BROUGHT_VERSION = '${version}'`)
  })
})

describe('the bill of materials', () => {
  // [SUPPLY-3]
  test('names each package that is published with it, with version, licence and hash, and no other', async () => {
    const { code, out } = await script('sbom.mjs')
    expect(code).toBe(0)
    const bom = JSON.parse(out)
    expect(bom).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      serialNumber: expect.stringMatching(/^urn:uuid:/),
    })
    const wanted = Object.entries(readLock().packages)
      .filter(([path, { dev, link }]) => path.includes('node_modules/') && !dev && !link)
      .map(([path, { version, license, integrity }]) => ({
        ref: `${path}@${version}`,
        license,
        hash: Buffer.from((integrity ?? '').slice(7), 'base64').toString('hex'),
      }))
    const named = bom.components.map(
      (component: {
        'bom-ref': string
        licenses: { expression: string }[]
        hashes: { alg: string; content: string }[]
      }) => ({
        ref: component['bom-ref'],
        license: component.licenses[0]?.expression,
        hash: component.hashes.find(({ alg }) => alg === 'SHA-512')?.content,
      }),
    )
    expect(named).toEqual(wanted)
    expect(wanted.length).toBeGreaterThan(20)
    const refs = new Set([`portico@${bom.metadata.component.version}`, ...wanted.map(({ ref }) => ref)])
    for (const { ref, dependsOn } of bom.dependencies)
      for (const each of [ref, ...dependsOn]) expect(refs).toContain(each)
    const direct = Object.keys(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).dependencies)
    for (const name of direct)
      expect(bom.dependencies[0].dependsOn.some((each: string) => each.startsWith(`node_modules/${name}@`))).toBe(true)
  })
  test('is the same text for the same lockfile', async () => {
    expect((await script('sbom.mjs')).out).toBe((await script('sbom.mjs')).out)
  })
})
