import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findProgram } from '../config/programs.ts'
import { processEnvironment } from '../config.ts'
import { lookAtSandbox } from './doctor-sandbox.ts'

const PATH = processEnvironment().PATH ?? ''
const CONFIG = { processes: 1, jit: true, wall: 'auto', path: PATH } as const

/** A `PATH` that has these tools and no other. */
function pathWith(...names: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'portico-tools-'))
  chmodSync(folder, 0o755)
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const name of names) {
    const found = findProgram(name, PATH)
    if (found === null) throw new Error(`${name} of util-linux is needed for this test`)
    symlinkSync(found, join(folder, name))
  }
  return folder
}

test('the doctor starts a process and says what stands around it', async () => {
  const [finding] = await lookAtSandbox(CONFIG)
  expect(finding?.text).toMatch(/^code of models can be run, behind this wall: /)
  const isClosed = findProgram('bwrap', PATH) !== null
  expect(finding?.verdict).toBe(isClosed || process.platform !== 'linux' ? 'ok' : 'warning')
})

test.runIf(process.platform === 'linux')('the doctor warns of a wall that leaves something open', async () => {
  const [limits] = await lookAtSandbox({ ...CONFIG, path: pathWith('prlimit') })
  expect(limits).toMatchObject({ verdict: 'warning', text: expect.stringContaining('signal the portal') })
  const [none] = await lookAtSandbox({ ...CONFIG, path: '' })
  expect(none).toMatchObject({ verdict: 'warning', text: expect.stringContaining('without limits') })
  const [refused] = await lookAtSandbox({ ...CONFIG, path: '', wall: 'required' })
  expect(refused).toMatchObject({ verdict: 'warning', text: expect.stringContaining('no code of models can be run') })
})

test('the doctor has nothing against a sandbox that is switched off', async () => {
  expect(await lookAtSandbox({ ...CONFIG, processes: 0 })).toMatchObject([{ verdict: 'ok' }])
})
