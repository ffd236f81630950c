import { describe, expect, test } from 'vitest'
import { fetchesPackage, unpinnedPackage } from './pinned-package.ts'

const commit = 'a'.repeat(40)
const cases: Record<string, [string, string[], string | null][]> = {
  npm: [
    ['npx', ['-y', 'pkg'], 'pkg'],
    ['npx', ['-y', 'pkg@latest'], 'pkg@latest'],
    ['npx', ['-y', 'pkg@^1.2.3'], 'pkg@^1.2.3'],
    ['npx', ['-y', 'pkg@~1.2.3'], 'pkg@~1.2.3'],
    ['npx', ['-y', 'pkg@1'], 'pkg@1'],
    ['npx', ['-y', 'pkg@1.2'], 'pkg@1.2'],
    ['npx', ['-y', 'pkg@1.x'], 'pkg@1.x'],
    ['npx', ['-y', 'pkg@>=1.2.3'], 'pkg@>=1.2.3'],
    ['npx', ['-y', 'pkg@1.2.3 || 2.0.0'], 'pkg@1.2.3 || 2.0.0'],
    ['npx', ['-y', 'pkg@*'], 'pkg@*'],
    ['npx', ['-y', 'pkg@1.2.3'], null],
    ['npx', ['-y', 'pkg@1.2.3-beta.1+build.5'], null],
    ['/usr/bin/npx', ['-y', '@scope/pkg'], '@scope/pkg'],
    ['C:\\node\\npx.cmd', ['-y', '@scope/pkg'], '@scope/pkg'],
    ['npx', ['--yes', '@scope/pkg@1.2.3', 'arg'], null],
    ['npx', ['-p', 'pkg', 'bin'], 'pkg'],
    ['npx', ['--package=pkg@1.2.3', 'bin'], null],
    ['npx', ['--package', 'pkg@1.2.3', '--', 'bin', 'arg'], null],
    ['npx', ['-p', 'pkg@1.2.3', '-p', 'other', 'bin'], 'other'],
    ['npx', ['--', 'pkg'], 'pkg'],
    ['npx', ['alias@npm:pkg@1.2.3'], null],
    ['npx', ['alias@npm:pkg@1'], 'alias@npm:pkg@1'],
    ['npx', ['github:owner/repo'], 'github:owner/repo'],
    ['npx', ['owner/repo'], 'owner/repo'],
    ['npx', [`github:owner/repo#${commit}`], null],
    ['npx', ['github:owner/repo#v1.2.3'], 'github:owner/repo#v1.2.3'],
    ['npx', ['git+https://example.com/r.git#main'], 'git+https://example.com/r.git#main'],
    ['npx', [`git+https://example.com/r.git#${commit}`], null],
    ['npx', ['https://example.com/pkg-1.2.3.tgz'], 'https://example.com/pkg-1.2.3.tgz'],
    ['npx', ['/opt/server'], null],
    ['npx', ['--registry', 'https://r.example', 'pkg'], 'pkg'],
    ['npx', ['--registry=https://r.example', 'pkg@1.2.3'], null],
    ['npx', ['--unknown', 'pkg@1.2.3', 'other'], 'other'],
    ['npx', [], null],
    ['npm', ['exec', '--', 'pkg'], 'pkg'],
    ['npm', ['x', 'pkg@1.2.3'], null],
    ['npm', ['--loglevel', 'error', 'exec', 'pkg'], 'pkg'],
    ['npm', ['init', 'thing'], 'thing'],
    ['npm', ['start'], null],
    ['npm', ['run', 'exec'], null],
    ['pnpm', ['dlx', 'pkg'], 'pkg'],
    ['pnpm', ['--package=pkg', 'dlx', 'bin'], 'bin'],
    ['pnpm', ['exec', 'bin'], null],
    ['yarn', ['dlx', '-p', 'pkg@1.2.3', 'bin'], null],
    ['yarn', ['dlx', '-q', 'pkg'], 'pkg'],
    ['bunx', ['--bun', 'pkg'], 'pkg'],
    ['bun', ['x', 'pkg@1.2.3'], null],
    ['bun', ['server.ts'], null],
  ],
  python: [
    ['uvx', ['mcp-server-git'], 'mcp-server-git'],
    ['uvx', ['mcp-server-git==2025.1.1'], null],
    ['uvx', ['mcp-server-git@2025.1.1'], null],
    ['uvx', ['mcp-server-git@latest'], 'mcp-server-git@latest'],
    ['uvx', ['mcp-server-git>=2025'], 'mcp-server-git>=2025'],
    ['uvx', ['mcp-server-git==2025.*'], 'mcp-server-git==2025.*'],
    ['uvx', ['--from', 'pkg==1.0', 'bin'], null],
    ['uvx', ['--from', 'pkg[cli]==1.0', 'bin'], null],
    ['uvx', ['--from', 'pkg', 'bin'], 'pkg'],
    ['uvx', ['--from', 'pkg==1.0', '--with', 'other', 'bin'], 'other'],
    ['uvx', ['-p', '3.12', 'pkg==1.0'], null],
    ['uvx', ['--from', `git+https://example.com/r@${commit}`, 'bin'], null],
    ['uvx', ['--from', 'git+https://example.com/r', 'bin'], 'git+https://example.com/r'],
    ['uv', ['tool', 'run', 'pkg'], 'pkg'],
    ['uv', ['--quiet', 'tool', 'run', 'pkg==1.0'], null],
    ['uv', ['run', 'server.py'], null],
    ['uv', ['run', '--with', 'mcp', 'server.py'], 'mcp'],
    ['uv', ['run', '--with', 'mcp==1.0,httpx', 'server.py'], 'httpx'],
    ['uv', ['--directory', '/opt/server', 'run', 'server.py'], null],
    ['pipx', ['run', 'pkg'], 'pkg'],
    ['pipx', ['run', '--spec', 'pkg==1.0', 'bin'], null],
    ['python', ['-m', 'server'], null],
  ],
  'deno and others': [
    ['deno', ['run', '-A', 'npm:pkg'], 'npm:pkg'],
    ['deno', ['run', '-A', 'npm:pkg@1.2.3'], null],
    ['deno', ['run', '--allow-net=example.com', 'jsr:@scope/pkg@1.2.3/bin'], null],
    ['deno', ['run', 'https://example.com/mod.ts'], 'https://example.com/mod.ts'],
    ['deno', ['run', '-A', 'server.ts'], null],
    ['node', ['server.js'], null],
    ['node', ['/usr/lib/node_modules/npm/bin/npx-cli.js', 'pkg'], 'pkg'],
    ['env', ['A=b', 'npx', '-y', 'pkg'], 'pkg'],
    ['cmd', ['/c', 'npx', '-y', 'pkg'], 'pkg'],
    ['corepack', ['pnpm', 'dlx', 'pkg'], 'pkg'],
    ['sh', ['-c', 'cd /tmp && npx -y pkg'], 'pkg'],
    ['bash', ['-lc', 'exec npx -y pkg@1.2.3'], null],
  ],
}

for (const [registry, list] of Object.entries(cases)) {
  describe(registry, () => {
    // [CHILD-3]
    test.each(list)('%s %j fetches %j', (command, args, expected) => {
      expect(unpinnedPackage(command, args)).toBe(expected)
    })
  })
}

test('what fetches a package is known, pinned or not, so that its first start is given time', () => {
  expect(fetchesPackage('npx', ['-y', 'pkg@1.2.3'])).toBe(true)
  expect(fetchesPackage('/usr/bin/env', ['uvx', 'pkg==1.0'])).toBe(true)
  expect(fetchesPackage('npm', ['start'])).toBe(false)
  expect(fetchesPackage('node', ['server.js'])).toBe(false)
})
