import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkFloor } from './doctor-audit.ts'
import { run } from './program.ts'

test.each([
  { mib: 511, least: 512, then: 'problem' },
  { mib: 512, least: 512, then: 'warning' },
  { mib: 1023, least: 512, then: 'warning' },
  { mib: 1024, least: 512, then: undefined },
  { mib: 0, least: 0, then: undefined },
])('$mib MiB free with a floor of $least is $then for the doctor', ({ mib, least, then }) => {
  expect(checkFloor('/data', mib, least)[0]?.verdict).toBe(then)
})

test('a head that the database contradicted is a problem that names the next command', async () => {
  const data = mkdtempSync(join(tmpdir(), 'portico-doctor-'))
  writeFileSync(join(data, 'audit-head.contradicted.json'), '{}', { mode: 0o600 })
  let out = ''
  const stdout = { write: (text: string) => (out += text) }
  const env = { PORTICO_DATA: data, PORTICO_URL: 'http://127.0.0.1:9', XDG_CONFIG_HOME: data }
  const code = await run({ argv: ['doctor'], env, cwd: data, stdout, stderr: stdout })
  expect([code, out]).toEqual([1, expect.stringMatching(/PROBLEM {2}audit .*contradicted/)])
  expect(out).toContain('portico audit verify')
  rmSync(data, { recursive: true, force: true })
})
