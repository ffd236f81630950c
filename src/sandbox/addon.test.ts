import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findAddon } from './addon.ts'

const INSTALLED = dirname(createRequire(import.meta.url).resolve('isolated-vm/package.json'))
const SYSTEM = `${process.platform}-${process.arch}`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-addon-'))
  mkdirSync(join(folder, 'prebuilds'))
  cpSync(join(INSTALLED, 'package.json'), join(folder, 'package.json'))
  cpSync(join(INSTALLED, 'prebuilds', SYSTEM), join(folder, 'prebuilds', SYSTEM), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function files(): string[] {
  return readdirSync(join(folder, 'prebuilds', SYSTEM)).map((name) => join(folder, 'prebuilds', SYSTEM, name))
}

describe('the native part of isolated-vm', () => {
  test('is found as npm unpacked it, without anything that an install script makes', async () => {
    expect(await findAddon()).toEqual({ file: expect.stringContaining(join('prebuilds', SYSTEM)) })
    expect(await findAddon(folder)).toEqual({ file: expect.stringContaining(folder) })
  })

  // [SANDBOX-9]
  test.each(['7.0.0', '6.1.2', '5.0.4', '7.1.0'])('in version %s is refused', async (version) => {
    const path = join(folder, 'package.json')
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), version }))
    expect(await findAddon(folder)).toEqual({ unavailable: expect.stringContaining(`isolated-vm ${version}`) })
  })

  // [SANDBOX-9]
  test('is refused when one byte of it is another', async () => {
    for (const file of files()) {
      const bytes = readFileSync(file)
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      writeFileSync(file, bytes)
    }
    expect(await findAddon(folder)).toEqual({ unavailable: expect.stringContaining('is not as isolated-vm') })
  })

  test('that is not there for this system is told, and what somebody compiled is not taken', async () => {
    mkdirSync(join(folder, 'build', 'Release'), { recursive: true })
    for (const file of files()) {
      cpSync(file, join(folder, 'build', 'Release', 'isolated_vm.node'))
      rmSync(file)
    }
    expect(await findAddon(folder)).toEqual({ unavailable: expect.stringContaining('has no build for this system') })
  })

  test('that is not installed is told', async () => {
    expect(await findAddon(null)).toEqual({ unavailable: expect.stringContaining('npm ci') })
  })
})
