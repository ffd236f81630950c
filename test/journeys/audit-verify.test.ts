/** `portico audit verify`, as an operator runs it: beside a running portal, after a stop, after somebody had the database. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RunningPortico, startPortico } from '../../src/app.ts'
import { run } from '../../src/cli/program.ts'
import { openConfig, readSettings } from '../../src/config.ts'
import { DATABASE_KINDS, type FreshPostgres, freshPostgres } from '../databases.ts'

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  let dir: string
  let data: string
  let env: Record<string, string>
  let postgres: FreshPostgres | null
  let portal: RunningPortico

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'portico-verify-'))
    data = join(dir, 'data')
    postgres = kind === 'postgres' ? await freshPostgres() : null
    env = {
      ...{ HOME: dir, XDG_CONFIG_HOME: join(dir, 'config'), PORTICO_DATA: data, PORTICO_PORT: '0', LOG_LEVEL: 'error' },
      ...(postgres === null ? {} : { DATABASE_URL: postgres.url }),
    }
    await start()
  })
  afterEach(async () => {
    await portal.close()
    await postgres?.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  async function start(): Promise<void> {
    portal = await startPortico(openConfig(readSettings({ flags: {}, env, cwd: dir }), env).config)
  }

  async function change(name: string): Promise<void> {
    const answer = await fetch(`${portal.url}/client/v4/accounts/default/tokens/api`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${readFileSync(join(data, 'admin-token'), 'utf8').trim()}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ name, role: 'auditor' }),
    })
    expect(answer.status).toBe(200)
  }

  async function portico(...argv: string[]) {
    let [out, err] = ['', '']
    const stdout = { write: (text: string) => (out += text) }
    const stderr = { write: (text: string) => (err += text) }
    const code = await run({ argv, env, cwd: dir, stdout, stderr })
    return { code, out, err }
  }

  async function ask(sql: string): Promise<void> {
    if (postgres === null) {
      const database = new DatabaseSync(join(data, 'audit.db'))
      database.exec(sql)
      return database.close()
    }
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    await client.query(sql)
    await client.end()
  }

  test('says what it looked at, and 0, while the portal runs and when it is stopped', async () => {
    for (let n = 0; n < 5; n++) await change(`token-${n}`)
    const running = await portico('audit', 'verify')
    expect([running.code, running.err]).toEqual([0, expect.any(String)])
    expect(running.out).toMatch(/^(Intact: \d+ rows, 1 to \d+, under \d+ signed heads?\.|Intact: No rows yet\.)\n/)
    await portal.close()
    const stopped = await portico('audit', 'verify', '--json')
    expect(stopped.code).toBe(0)
    expect(JSON.parse(stopped.out)).toMatchObject({
      ...{ intact: true, first: 1, unsigned: 0, problems: [] },
      head_files: [join(data, 'audit-head.json')],
    })
    expect((JSON.parse(stopped.out) as { rows: number }).rows).toBeGreaterThanOrEqual(10)
  })

  test('names the row that was edited and the ones that were deleted, and says 1', async () => {
    for (let n = 0; n < 5; n++) await change(`token-${n}`)
    await portal.close()
    await ask('UPDATE audit_rows SET facts = replace(facts, \'"fields"\', \'"Fields"\') WHERE seq = 6')
    await ask('DELETE FROM audit_rows WHERE seq IN (8, 9)')
    const { code, out } = await portico('audit', 'verify')
    expect(code).toBe(1)
    expect(out).toMatch(/^PROBLEM {2}changed {8}row 6 \(ended of deed \w+, writer 1, \d{4}-.*Z\) was changed$/m)
    expect(out).toMatch(/^PROBLEM {2}deleted {8}rows 8 to 9 are deleted; what follows is row 10 /m)
    expect(out).toMatch(/^NOT intact: 2 problems in \d+ rows/m)
  })

  test('holds over a change of the encryption key that retires the old one', async () => {
    for (let n = 0; n < 3; n++) await change(`token-${n}`)
    await portal.close()
    const rotated = await portico('keys', 'rotate', '--retire')
    expect([rotated.code, rotated.err]).toEqual([0, rotated.err])
    const { code, out } = await portico('audit', 'verify')
    expect([code, out]).toEqual([0, expect.stringMatching(/^Intact: /)])
    await start()
    await change('after')
    await portal.close()
    expect((await portico('audit', 'verify')).code).toBe(0)
  })

  test('without the key, or without data, it says what is missing instead of making it', async () => {
    await portal.close()
    const elsewhere = await portico('audit', 'verify', '--data', join(dir, 'nowhere'))
    expect(elsewhere).toMatchObject({ code: 1, out: '', err: expect.stringContaining('--data') })
    env.XDG_CONFIG_HOME = join(dir, 'other')
    const { code, err } = await portico('audit', 'verify')
    expect([code, err]).toEqual([1, expect.stringMatching(/encryption key is not here/)])
    expect((await portico('audit', 'verify', '--since', 'yesterday')).code).toBe(2)
  })
})
