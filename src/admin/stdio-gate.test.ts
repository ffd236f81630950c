import { describe, expect, test } from 'vitest'
import { type AdminRoom, DEAD, openAdminRoom, REMOTE, SERVERS, serverBody } from '../../test/admin-room.ts'
import { everythingStdio } from '../../test/peers/servers.ts'
import { findProgram } from '../config/programs.ts'
import type { StdioConfig } from '../config/stdio.ts'
import { applyDeclared } from './declared.ts'

describe('stdio servers', () => {
  const { command, args } = everythingStdio()
  const body = (id = 'child') => ({
    ...serverBody(id, {
      hostname: `stdio://${id}`,
      transport: { type: 'stdio', command, args, env: { API_KEY: 'canary-env' } },
    }),
  })
  async function within(
    register: 'off' | 'local' | 'api',
    work: (room: AdminRoom) => Promise<void>,
    stdio: Partial<StdioConfig> = { commands: [findProgram(command, '') ?? ''] },
  ): Promise<void> {
    const room = await openAdminRoom('sqlite', { register, stdio })
    try {
      await work(room)
    } finally {
      await room.end()
    }
  }

  // [CLOSED-3]
  test('where registration is local, only the owner over a direct loopback connection may run a program', async () => {
    await within('local', async (room) => {
      const admin = await room.token('admin')
      const narrow = await room.token('owner', { scopes: ['servers:write'] })
      for (const options of [{ caller: REMOTE }, { token: admin }, { token: narrow }]) {
        const refused = await room.ask('POST', SERVERS, { body: body(), ...options })
        expect(refused.status).toBe(403)
        expect(refused.body.errors[0]?.message).toContain('loopback')
      }
      expect((await room.ask('GET', SERVERS)).body.result).toEqual([])
      const made = await room.ask('POST', SERVERS, { body: body() })
      expect(made.body.result).toMatchObject({
        status: 'ready',
        hostname: 'stdio://child',
        transport: { type: 'stdio', command, args },
      })
      expect(JSON.stringify(made.body)).not.toContain('canary')
      const env = { transport: { type: 'stdio', command, args, env: { NODE_OPTIONS: '--inspect' } } }
      expect((await room.ask('PUT', `${SERVERS}/child`, { body: env, token: admin })).status).toBe(403)
      const other = { transport: { type: 'stdio', command: '/bin/sh', args } }
      expect((await room.ask('PUT', `${SERVERS}/child`, { body: other })).status).toBe(400)
      const echoed = { ...made.body.result, description: 'by an admin' }
      const described = await room.ask('PUT', `${SERVERS}/child`, { body: echoed, token: admin })
      expect(described.body.result).toMatchObject({ description: 'by an admin', status: 'ready' })
    })
  })

  test('switched off, not even the owner may; opened to the API, an admin may', async () => {
    await within('off', async (room) => {
      expect((await room.ask('POST', SERVERS, { body: body() })).status).toBe(403)
    })
    await within('api', async (room) => {
      const token = await room.token('admin')
      const made = await room.ask('POST', SERVERS, { body: body(), caller: REMOTE, token })
      expect(made.body.result).toMatchObject({ status: 'ready' })
      const shell = serverBody('other', { hostname: 'stdio://other', transport: { type: 'stdio', command: '/bin/sh' } })
      const refused = await room.ask('POST', SERVERS, { body: shell, caller: REMOTE, token })
      expect(refused.status).toBe(400)
      expect(refused.body.errors[0]?.message).toContain('stdio.commands')
    })
    // A room that was opened past the settings, which refuse this.
    await within(
      'api',
      async (room) => {
        expect((await room.ask('POST', SERVERS, { body: body() })).status).toBe(403)
      },
      {},
    )
  })

  // [CHILD-2]
  test('what the file declares is judged too, with its place in the file, and then nothing of it is applied', async () => {
    await within('off', async (room) => {
      const declare = (id: string, transport: object) => ({ ...body(id), transport: { type: 'stdio', ...transport } })
      const servers = [declare('good', { command, args }), declare('bad', { command: '/bin/sh' })]
      const applied = applyDeclared(room.deps, { portals: [], policies: [], servers })
      await expect(applied).rejects.toThrow('servers.1.transport.command: is not among the programs')
      expect((await room.ask('GET', SERVERS)).body.result).toEqual([])
      await applyDeclared(room.deps, { portals: [], policies: [], servers: servers.slice(0, 1) })
      expect((await room.ask('GET', SERVERS)).body.result.map(({ id }) => id)).toEqual(['good'])
    })
  })

  test('a server that all callers share says so to whoever makes it, and no other does', async () => {
    await within('local', async (room) => {
      const said = async (id: string, isolation?: string) => {
        const sent = { ...body(id), ...(isolation === undefined ? {} : { isolation }) }
        return (await room.ask('POST', SERVERS, { body: sent })).body.messages
      }
      expect(await said('one')).toEqual([])
      expect(await said('two', 'per_user')).toEqual([])
      expect(JSON.stringify(await said('three', 'shared'))).toContain('all callers are one session')
      const changed = await room.ask('PUT', `${SERVERS}/one`, { body: { isolation: 'shared' } })
      expect(JSON.stringify(changed.body.messages)).toContain('all callers are one session')
    })
  })

  test.each([
    ['another id in the hostname', { hostname: 'stdio://other' }, 'hostname'],
    ['no transport', { transport: undefined }, 'transport'],
    ['a credential', { auth_type: 'bearer', auth_credentials: 'x' }, 'auth_type'],
    ['a transport on an HTTP server', { hostname: DEAD }, 'transport'],
    ['a variable with "="', { transport: { type: 'stdio', command, env: { 'A=B': 'c' } } }, 'transport.env'],
    ['a package without a version', { transport: { type: 'stdio', command: 'npx', args: ['-y', 'pkg'] } }, '"pkg"'],
    ['a loader variable', { transport: { type: 'stdio', command, env: { LD_PRELOAD: '/x' } } }, 'env.LD_PRELOAD'],
    ['a relative command', { transport: { type: 'stdio', command: './server' } }, 'transport.command'],
    ['a relative directory', { transport: { type: 'stdio', command, cwd: 'here' } }, 'transport.cwd'],
    ['the root of everything', { transport: { type: 'stdio', command, args: [...args, '/'] } }, 'own data'],
    ['a NUL in an argument', { transport: { type: 'stdio', command, args: ['a\0b'] } }, 'transport.args.0'],
  ])('%s is refused', async (_, more, path) => {
    await within(
      'local',
      async (room) => {
        const answer = await room.ask('POST', SERVERS, { body: { ...body(), ...more } })
        expect(answer.status).toBe(400)
        expect((await room.ask('GET', SERVERS)).body.result).toEqual([])
        expect(answer.body.errors[0]?.message).toContain(path)
      },
      {},
    )
  })
})
