import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError } from './config/config-error.ts'
import { fileJsonSchema } from './config/file-schema.ts'
import { parseKeys } from './config/keys.ts'
import { SETTABLE_LIMITS } from './config/limits.ts'
import { nearest } from './config/nearest.ts'
import { SETTING_NAMES, SETTINGS, type SettingName } from './config/settings-schema.ts'
import { forgetSecrets, openConfig, readClientSource, readSettings } from './config.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-config-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function read({
  flags = {},
  env = {},
  yaml,
}: {
  flags?: Partial<Record<SettingName | 'config', string>>
  env?: Record<string, string>
  yaml?: string
} = {}) {
  if (yaml !== undefined) writeFileSync(join(folder, 'portico.yaml'), yaml)
  return readSettings({ flags, env, cwd: folder })
}

function problems(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('nothing was wrong')
}

const mode = (path: string) => statSync(path).mode & 0o777

describe('precedence', () => {
  const samples: {
    [Name in SettingName]?: { flag: string; env: string; yaml: string; got: [unknown, unknown, unknown] }
  } = {
    host: {
      flag: '127.0.0.2',
      env: '127.0.0.3',
      yaml: 'host: 127.0.0.4',
      got: ['127.0.0.2', '127.0.0.3', '127.0.0.4'],
    },
    port: { flag: '1', env: '2', yaml: 'port: 3', got: [1, 2, 3] },
    public_url: {
      flag: 'https://a.example/',
      env: 'https://b.example',
      yaml: 'public_url: https://c.example:8443',
      got: ['https://a.example', 'https://b.example', 'https://c.example:8443'],
    },
    account_id: { flag: 'a', env: 'b', yaml: 'account_id: c', got: ['a', 'b', 'c'] },
    trusted_proxies: {
      flag: '10.0.0.1,fd00::/8',
      env: '10.0.0.2',
      yaml: 'trusted_proxies: [10.0.0.0/8]',
      got: [['10.0.0.1', 'fd00::/8'], ['10.0.0.2'], ['10.0.0.0/8']],
    },
    allowed_origins: {
      flag: 'https://a.example',
      env: 'https://b.example, http://localhost:6274',
      yaml: 'allowed_origins: https://c.example',
      got: [['https://a.example'], ['https://b.example', 'http://localhost:6274'], ['https://c.example']],
    },
    client_certificate_form: {
      flag: 'common_name',
      env: 'certificate',
      yaml: 'client_certificate_form: subject',
      got: ['common_name', 'certificate', 'subject'],
    },
    geo_file: { flag: '/a.mmdb', env: '/b.mmdb', yaml: 'geo_file: /c.mmdb', got: ['/a.mmdb', '/b.mmdb', '/c.mmdb'] },
    'evaluation.allow_private': {
      flag: 'a.test:80,10.0.0.5:8080',
      env: 'b.test:443',
      yaml: 'evaluation: {allow_private: ["[fd00::1]:80"]}',
      got: [['a.test:80', '10.0.0.5:8080'], ['b.test:443'], ['[fd00::1]:80']],
    },
    log_level: { flag: 'debug', env: 'warn', yaml: 'log_level: error', got: ['debug', 'warn', 'error'] },
    'audit.durability': {
      flag: 'disk',
      env: 'process',
      yaml: 'audit: {durability: disk}',
      got: ['disk', 'process', 'disk'],
    },
    'audit.retention_days': { flag: '1', env: '2', yaml: 'audit: {retention_days: 3}', got: [1, 2, 3] },
    'stdio.register': { flag: 'off', env: 'local', yaml: 'stdio: {register: off}', got: ['off', 'local', 'off'] },
    'stdio.commands': {
      flag: '/bin/a,b',
      env: '/bin/c',
      yaml: 'stdio: {commands: [/bin/d, e]}',
      got: [['/bin/a', 'b'], ['/bin/c'], ['/bin/d', 'e']],
    },
    'stdio.allow_unpinned': {
      flag: 'true',
      env: 'false',
      yaml: 'stdio: {allow_unpinned: true}',
      got: [true, false, true],
    },
    'stdio.wrapper': {
      flag: '["a", "-x,y"]',
      env: '["b"]',
      yaml: 'stdio: {wrapper: [bwrap, --bind]}',
      got: [['a', '-x,y'], ['b'], ['bwrap', '--bind']],
    },
    'stdio.homes': { flag: '/a', env: '/b', yaml: 'stdio: {homes: /c}', got: ['/a', '/b', '/c'] },
    'stdio.limits.memory_mb': { flag: '1', env: '2', yaml: 'stdio: {limits: {memory_mb: 3}}', got: [1, 2, 3] },
    'stdio.limits.files': { flag: '1', env: '2', yaml: 'stdio: {limits: {files: 3}}', got: [1, 2, 3] },
    'stdio.max_children': { flag: '1', env: '2', yaml: 'stdio: {max_children: 3}', got: [1, 2, 3] },
    'stdio.idle_stop_seconds': { flag: '1', env: '2', yaml: 'stdio: {idle_stop_seconds: 3}', got: [1, 2, 3] },
    'outbound.no_proxy': {
      flag: 'a.example,.b.example',
      env: '10.0.0.5:8080',
      yaml: 'outbound: {no_proxy: ["*"]}',
      got: [['a.example', '.b.example'], ['10.0.0.5:8080'], ['*']],
    },
    'smtp.port': { flag: '25', env: '465', yaml: 'smtp: {port: 2525}', got: [25, 465, 2525] },
    'smtp.from': {
      flag: 'A@a.example',
      env: 'b@b.example',
      yaml: 'smtp: {from: c@c.example}',
      got: ['a@a.example', 'b@b.example', 'c@c.example'],
    },
    'smtp.tls': { flag: 'none', env: 'implicit', yaml: 'smtp: {tls: none}', got: ['none', 'implicit', 'none'] },
    ...Object.fromEntries(
      SETTABLE_LIMITS.map((name) => {
        const yaml = `limits: {${name}: 1003}`
        return [`limits.${name}`, { flag: '1001', env: '1002', yaml, got: [1001, 1002, 1003] }]
      }),
    ),
  }
  for (const [name, { flag, env, yaml, got }] of Object.entries(samples) as [
    SettingName,
    NonNullable<(typeof samples)['host']>,
  ][]) {
    // [CONFIG-1]
    test(`${name}: a flag beats a variable, a variable beats the file, the file beats the default`, () => {
      const variable = { [SETTINGS[name].variable]: env }
      const layers = [
        read({ yaml, env: variable, flags: { [name]: flag } }),
        read({ yaml, env: variable }),
        read({ yaml }),
      ]
      expect(layers.map(({ values }) => values[name])).toEqual(got)
      expect(layers.map(({ origins }) => origins.get(name)?.origin)).toEqual(['flag', 'environment', 'file'])
    })
  }

  // [CLOSED-1]
  test('with nothing set the portal is at 127.0.0.1:8787 with ./data, and every origin is the default', () => {
    const { values, origins, file, declared } = read()
    expect(values).toMatchObject({
      host: '127.0.0.1',
      port: 8787,
      public_url: null,
      data: join(folder, 'data'),
      trusted_proxies: [],
    })
    expect(values).toMatchObject({
      'audit.retention_days': 90,
      'stdio.register': 'local',
      log_level: 'info',
      database_url: null,
    })
    expect(SETTING_NAMES.map((name) => origins.get(name)?.origin)).toEqual(SETTING_NAMES.map(() => 'default'))
    expect(file).toBeNull()
    expect(declared).toEqual({ portals: [], servers: [], policies: [], groups: [], lists: [] })
  })

  test('an empty variable and an empty key are not set', () => {
    const { values } = read({
      env: { PORTICO_PUBLIC_URL: '', LOG_LEVEL: '' },
      yaml: 'port:\nlog_level: warn\naudit:\n',
    })
    expect(values).toMatchObject({ public_url: null, port: 8787, log_level: 'warn' })
  })

  test('data from the file starts at the file, data from a variable at the working directory', () => {
    mkdirSync(join(folder, 'etc'))
    writeFileSync(join(folder, 'etc', 'p.yaml'), 'data: state')
    expect(read({ env: { PORTICO_CONFIG: 'etc/p.yaml' } }).values.data).toBe(join(folder, 'etc', 'state'))
    expect(read({ env: { PORTICO_DATA: 'state' } }).values.data).toBe(join(folder, 'state'))
  })

  test('so does the file of countries', () => {
    mkdirSync(join(folder, 'etc'), { recursive: true })
    writeFileSync(join(folder, 'etc', 'p.yaml'), 'geo_file: geo/country.mmdb')
    const fromFile = read({ env: { PORTICO_CONFIG: 'etc/p.yaml' } }).values.geo_file
    expect(fromFile).toBe(join(folder, 'etc', 'geo', 'country.mmdb'))
    expect(read({ env: { PORTICO_GEO_FILE: 'country.mmdb' } }).values.geo_file).toBe(join(folder, 'country.mmdb'))
  })

  // [CERT-2]
  test('the header of certificates is lower case, and needs a proxy that is believed', () => {
    const env = { PORTICO_CLIENT_CERTIFICATE_HEADER: 'X-Client-CN', PORTICO_TRUSTED_PROXIES: '10.0.0.0/8' }
    expect(read({ env }).values.client_certificate_header).toBe('x-client-cn')
    expect(() => read({ env: { PORTICO_CLIENT_CERTIFICATE_HEADER: 'X-Client-CN' } })).toThrow(
      /PORTICO_CLIENT_CERTIFICATE_HEADER: only trusted_proxies/,
    )
  })

  test('the PORTICO_PORT that Kubernetes makes for a service of our name is not a setting', () => {
    expect(read({ env: { PORTICO_PORT: 'tcp://10.0.0.7:80' } }).values.port).toBe(8787)
  })
})

describe('what is wrong is said with its place', () => {
  const wrong = [
    {
      when: 'a port that is no number',
      env: { PORTICO_PORT: 'http' },
      says: 'PORTICO_PORT: must be a whole number from 0 to 65535',
    },
    { when: 'a port beyond the last', yaml: '\nport: 70000', says: 'portico.yaml:2: port: must be a whole number' },
    { when: 'a public URL with a path', env: { PORTICO_PUBLIC_URL: 'https://a.example/mcp' }, says: 'without a path' },
    {
      when: 'a public URL in clear text',
      env: { PORTICO_PUBLIC_URL: 'http://a.example' },
      says: 'PORTICO_PUBLIC_URL: must be https',
    },
    {
      when: 'a public URL with a name in it',
      env: { PORTICO_PUBLIC_URL: 'https://me@a.example' },
      says: 'must be https',
    },
    { when: 'any origin', env: { PORTICO_ALLOWED_ORIGINS: '*' }, says: 'PORTICO_ALLOWED_ORIGINS: must be origins' },
    { when: 'the null origin', env: { PORTICO_ALLOWED_ORIGINS: 'null' }, says: 'must be origins' },
    {
      when: 'a proxy that is no address',
      env: { PORTICO_TRUSTED_PROXIES: 'proxy.internal' },
      says: 'such as 10.0.0.0/8',
    },
    { when: 'a range too wide to exist', env: { PORTICO_TRUSTED_PROXIES: '10.0.0.0/33' }, says: 'such as 10.0.0.0/8' },
    ...['Authorization', 'X-Forwarded-For', 'Mcp-Session-Id', 'Cf-Access-Client-Id', 'Cookie', 'no header'].map(
      (name) => ({
        when: `certificates in the header "${name}"`,
        env: { PORTICO_CLIENT_CERTIFICATE_HEADER: name, PORTICO_TRUSTED_PROXIES: '10.0.0.1' },
        says: 'PORTICO_CLIENT_CERTIFICATE_HEADER: must be the name of a header that only your proxy sets',
      }),
    ),
    {
      when: 'an evaluator at no place',
      env: { PORTICO_EVALUATION_ALLOW_PRIVATE: 'https://a.example' },
      says: 'PORTICO_EVALUATION_ALLOW_PRIVATE: must be host:port',
    },
    {
      when: 'a proxy of another kind',
      env: { HTTPS_PROXY: 'socks5://a.example' },
      says: 'HTTPS_PROXY: must be http://',
    },
    { when: 'a proxy with a path', env: { HTTPS_PROXY: 'http://a.example/x' }, says: 'HTTPS_PROXY: must be http://' },
    {
      when: 'a proxy that is no URL',
      yaml: 'outbound: {proxy: "a.example:3128"}',
      says: 'outbound.proxy: must be http://',
    },
    { when: 'another database', env: { DATABASE_URL: 'mysql://x' }, says: 'DATABASE_URL: must begin with postgres://' },
    {
      when: 'a listener for everyone without a public URL',
      env: { PORTICO_HOST: '0.0.0.0' },
      says: 'PORTICO_HOST: 0.0.0.0 can be reached from other machines',
    },
    { when: 'the same by IPv6', flags: { host: '::' }, says: '--host: :: can be reached' },
    {
      when: 'a name whose address is not known',
      flags: { host: 'portal.internal' },
      says: 'can be reached from other machines',
    },
    {
      when: 'a public URL for this machine only, on an open port',
      flags: { host: '0.0.0.0', public_url: 'http://localhost:1' },
      says: 'must be the https address',
    },
    {
      when: 'a mistyped key',
      yaml: 'host: 127.0.0.1\nprot: 1',
      says: 'portico.yaml:2: unknown key "prot"; did you mean "port"?',
    },
    {
      when: 'a mistyped key below',
      yaml: 'audit:\n  retention: 1',
      says: 'portico.yaml:2: unknown key "audit.retention"; did you mean "retention_days"?',
    },
    { when: 'a key with a dash', yaml: 'public-url: https://a.example', says: 'did you mean "public_url"?' },
    { when: 'a key nobody meant', yaml: 'cheese: 1', says: 'unknown key "cheese"; known here: host, port' },
    { when: 'a list where an object belongs', yaml: 'audit: [1]', says: 'portico.yaml:1: audit: ' },
    { when: 'a server that is text', yaml: 'servers:\n  - ledger', says: 'portico.yaml:2: servers.0: ' },
    { when: 'the same key twice', yaml: 'port: 1\nport: 2', says: 'portico.yaml:2: Map keys must be unique' },
    { when: 'a tag from another language', yaml: 'host: !!js/function x', says: 'Unresolved tag' },
    {
      when: 'a variable that is not there',
      yaml: `port: 1\ndatabase_url: \${NOWHERE}`,
      says: `portico.yaml:2: \${NOWHERE} is not set in the environment`,
    },
    { when: 'a list as the whole file', yaml: '- 1', says: 'the file: ' },
    {
      when: 'a file that is not there',
      env: { PORTICO_CONFIG: 'gone.yaml' },
      says: 'gone.yaml: cannot be read (ENOENT)',
    },
  ]
  for (const { when, says, ...source } of wrong) {
    // [CLOSED-2]
    test(`${when} is refused`, () => {
      expect(problems(() => read(source as Parameters<typeof read>[0]))).toContain(says)
    })
  }

  test('all problems of a file are named at once', () => {
    expect(problems(() => read({ yaml: 'prot: 1\nhots: 2' })).split('\n')).toHaveLength(2)
  })
  test('a mistyped variable is a warning with a suggestion', () => {
    expect(read({ env: { PORTICO_PUBLICURL: 'https://a.example' } }).warnings).toEqual([
      'PORTICO_PUBLICURL is no setting; did you mean PORTICO_PUBLIC_URL?',
    ])
    expect(read({ env: { PORTICO_DATA: 'x', PORTICO_SERVICE_HOST: '10.0.0.1' } }).warnings).toEqual([])
  })
  test('an open port behind an https public URL is accepted', () => {
    expect(read({ env: { PORTICO_HOST: '0.0.0.0', PORTICO_PUBLIC_URL: 'https://mcp.example.com' } }).values.host).toBe(
      '0.0.0.0',
    )
  })
  test('a secret that is wrong is not repeated in the message', () => {
    const settings = read({ env: { PORTICO_ENCRYPTION_KEY: 'hunter2hunter2' } })
    const said = problems(() => openConfig(settings, {}))
    expect(said).toContain('PORTICO_ENCRYPTION_KEY: key 1 is not 32 bytes')
    expect(said).not.toContain('hunter2')
    expect(problems(() => read({ env: { DATABASE_URL: 'mysql://me:hunter2@db' } }))).not.toContain('hunter2')
  })
  test('nearest: near names are suggested, far ones are not', () => {
    expect(nearest('lgo_level', ['log_level', 'data'])).toBe('log_level')
    expect(nearest('Trusted-Proxy', ['trusted_proxies'])).toBe('trusted_proxies')
    expect(nearest('x', ['log_level'])).toBeUndefined()
  })
})

describe('portico.yaml', () => {
  test('an alias bomb is refused at once', () => {
    let yaml = 'policies: &a [x, x, x, x, x, x, x, x, x]\n'
    for (let i = 1; i < 10; i++)
      yaml += `k${i}: &${'abcdefghij'[i]} [${Array(9)
        .fill(`*${'abcdefghij'[i - 1]}`)
        .join(', ')}]\n`
    const from = performance.now()
    expect(problems(() => read({ yaml }))).toContain('Excessive alias count')
    expect(performance.now() - from).toBeLessThan(5000)
  })
  test('a file over 1 MiB is refused unread', () => {
    expect(problems(() => read({ yaml: `# ${'x'.repeat(1024 * 1024)}` }))).toContain('more than 1 MiB')
  })
  test(`\${NAME} takes a variable, \${NAME:-x} has a fallback, $\${NAME} is text, and keys are never touched`, () => {
    const env = { TOKEN: 's: {ecret}', PORT: '81' }
    const yaml = `port: \${PORT}\nhost: \${HOSTNAME_:-127.0.0.9}\nservers:\n  - {id: a, auth_credentials: "Bearer \${TOKEN}", description: "$\${TOKEN}", "\${TOKEN}": 1}`
    const { values, declared } = read({ env, yaml })
    expect(values).toMatchObject({ port: 81, host: '127.0.0.9' })
    // What a variable holds is text: it cannot add YAML of its own.
    expect(declared.servers).toEqual([
      { id: 'a', auth_credentials: 'Bearer s: {ecret}', description: `\${TOKEN}`, '${TOKEN}': 1 },
    ])
  })
  test('a key named __proto__ changes no prototype', () => {
    const { declared } = read({ yaml: 'servers:\n  - {id: a, __proto__: {polluted: 1}}' })
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect((declared.servers[0] as Record<string, unknown>).polluted).toBeUndefined()
  })
  test('declared portals, servers, policies, groups and lists are handed on as they stand', () => {
    const { declared } = read({
      yaml: 'portals: [{id: p}]\nservers: [{id: s, hostname: "https://s.example/mcp"}]\npolicies:\n',
    })
    expect(declared).toEqual({
      portals: [{ id: 'p' }],
      servers: [{ id: 's', hostname: 'https://s.example/mcp' }],
      policies: [],
      groups: [],
      lists: [],
    })
  })
  test('secrets of declared servers may stand in files beside it, and an OAuth client as YAML', () => {
    writeFileSync(join(folder, 'secret'), 'from a file\n')
    const { declared } = read({
      yaml: [
        'servers:',
        '  - {id: a, auth_credentials_file: secret}',
        '  - id: b',
        '    client_secret_file: secret',
        '    auth_credentials: {auth_mode: client_credentials, registration_info: {client_id: c}}',
      ].join('\n'),
    })
    expect(declared.servers).toEqual([
      { id: 'a', auth_credentials: 'from a file' },
      {
        ...{ id: 'b', client_secret: 'from a file' },
        auth_credentials: '{"auth_mode":"client_credentials","registration_info":{"client_id":"c"}}',
      },
    ])
    expect(problems(() => read({ yaml: 'servers: [{id: a, client_secret_file: gone}]' }))).toContain(
      'servers.0.client_secret_file: ',
    )
    expect(
      problems(() => read({ yaml: 'servers: [{id: a, client_secret: x, client_secret_file: secret}]' })),
    ).toContain('client_secret are both set')
  })
  test('the published schema knows every setting and every twin, and takes no other key', () => {
    const schema = fileJsonSchema({ servers: { type: 'object', title: 'Server' } }) as {
      properties: Record<string, { anyOf?: { items?: unknown; properties?: object }[] }>
      additionalProperties: boolean
    }
    const namesIn = (of: unknown, prefix = ''): string[] => {
      const { properties, anyOf } = of as { properties?: object; anyOf?: unknown[] }
      const own = properties ?? (anyOf?.[0] as { properties?: object } | undefined)?.properties ?? {}
      return Object.entries(own).flatMap(([key, below]) => [prefix + key, ...namesIn(below, `${prefix}${key}.`)])
    }
    const keys = namesIn(schema)
    expect(keys).toEqual(expect.arrayContaining([...SETTING_NAMES, 'encryption_key_file', 'database_url_file']))
    expect(schema.additionalProperties).toBe(false)
    expect(schema.properties.servers?.anyOf?.[0]?.items).toEqual({ type: 'object', title: 'Server' })
  })
})

describe('secrets', () => {
  const key = randomBytes(32)

  test('each secret is also read from a file, by variable and by key, without its last line end', () => {
    writeFileSync(join(folder, 'dsn'), 'postgres://u:p@127.0.0.1/x\n')
    const byVariable = read({ env: { DATABASE_URL_FILE: 'dsn' } })
    expect(byVariable.values.database_url).toBe('postgres://u:p@127.0.0.1/x')
    expect(byVariable.origins.get('database_url')).toEqual({
      origin: 'environment',
      where: 'DATABASE_URL_FILE',
      file: join(folder, 'dsn'),
    })
    expect(read({ yaml: 'database_url_file: ./dsn' }).values.database_url).toBe('postgres://u:p@127.0.0.1/x')
    writeFileSync(join(folder, 'proxy'), 'http://user:p@proxy.example:3128\n')
    const sealed = { PORTICO_ENCRYPTION_KEY: key.toString('hex') }
    for (const given of [
      { env: { ...sealed, HTTPS_PROXY_FILE: 'proxy' } },
      { env: sealed, yaml: 'outbound: {proxy_file: ./proxy}' },
    ]) {
      const { config } = openConfig(read(given), {})
      expect(config.outbound).toEqual({ proxy: 'http://user:p@proxy.example:3128', noProxy: [] })
    }
    writeFileSync(join(folder, 'key'), `${key.toString('hex')}\n`)
    expect(
      openConfig(read({ env: { PORTICO_ENCRYPTION_KEY_FILE: 'key' }, yaml: '' }), {}).config.keys.keys[0]?.key,
    ).toEqual(key)
    expect(readClientSource({}, { PORTICO_TOKEN_FILE: join(folder, 'key') }).token).toBe(key.toString('hex'))
  })
  test('a secret and its file at once are refused, and so is a file that is not there', () => {
    expect(problems(() => read({ env: { DATABASE_URL: 'postgres://a', DATABASE_URL_FILE: 'dsn' } }))).toContain(
      'both set',
    )
    expect(problems(() => read({ yaml: 'database_url: postgres://a\ndatabase_url_file: dsn' }))).toContain('both set')
    expect(problems(() => read({ env: { DATABASE_URL_FILE: 'gone' } }))).toContain('DATABASE_URL_FILE: ')
  })
  test('keys are base64, base64url or hex; several with commas, the first seals', () => {
    const other = randomBytes(32)
    const ring = parseKeys(`${key.toString('hex')}, ${other.toString('base64')},${key.toString('base64url')}`, 'x')
    expect(ring.keys.map((entry) => entry.key)).toEqual([key, other, key])
    for (const bad of [
      '',
      'secret',
      `${key.toString('hex')},`,
      key.toString('base64').slice(4),
      `${key.toString('base64')}AAAA`,
    ])
      expect(problems(() => parseKeys(bad, 'x'))).toContain('is not 32 bytes')
  })
  test('the first start makes a key outside the data directory that only its owner can read, and later starts use it', () => {
    const env = { XDG_CONFIG_HOME: join(folder, 'xdg') }
    const first = openConfig(read(), env)
    expect(first).toMatchObject({ keyOrigin: 'generated', warnings: [] })
    expect(first.keyFile?.startsWith(join(folder, 'xdg', 'portico', 'key-'))).toBe(true)
    expect(mode(first.keyFile ?? '')).toBe(0o600)
    expect(mode(join(folder, 'xdg', 'portico'))).toBe(0o700)
    expect(mode(join(folder, 'data'))).toBe(0o700)
    expect(mode(join(folder, 'data', 'key-id'))).toBe(0o600)
    const secret = readFileSync(first.keyFile ?? '', 'utf8').trim()
    for (const name of readdirSync(join(folder, 'data')))
      expect(readFileSync(join(folder, 'data', name), 'utf8')).not.toContain(secret)
    expect(readdirSync(join(folder, 'xdg', 'portico'))).toHaveLength(1)

    const second = openConfig(read(), env)
    expect(second).toMatchObject({ keyOrigin: 'file', keyFile: first.keyFile })
    expect(second.config.keys).toEqual(first.config.keys)
  })
  test('other data gets another key, and no new key is made for data whose key is gone', () => {
    const env = { XDG_CONFIG_HOME: join(folder, 'xdg') }
    const one = openConfig(read({ env: { PORTICO_DATA: 'one' } }), env)
    const two = openConfig(read({ env: { PORTICO_DATA: 'two' } }), env)
    expect(two.config.keys).not.toEqual(one.config.keys)
    rmSync(one.keyFile ?? '')
    expect(problems(() => openConfig(read({ env: { PORTICO_DATA: 'one' } }), env))).toContain('is missing. Put it back')
    expect(existsSync(one.keyFile ?? '')).toBe(false)
  })
  for (const loose of [0o640, 0o604, 0o620]) {
    test(`a key file with mode ${loose.toString(8)} is refused`, () => {
      const env = { XDG_CONFIG_HOME: join(folder, 'xdg') }
      const { keyFile } = openConfig(read(), env)
      chmodSync(keyFile ?? '', loose)
      expect(problems(() => openConfig(read(), env))).toContain(
        `others may read it (mode ${loose.toString(8)}); run: chmod 600`,
      )
    })
  }
  test('a key that would lie inside the data directory is refused, also through a link', () => {
    expect(problems(() => openConfig(read(), { XDG_CONFIG_HOME: join(folder, 'data', 'etc') }))).toContain(
      'inside the data directory',
    )
    symlinkSync(join(folder, 'data'), join(folder, 'link'))
    expect(problems(() => openConfig(read(), { XDG_CONFIG_HOME: join(folder, 'link') }))).toContain(
      'inside the data directory',
    )
  })
  test('a key id that is a path is refused', () => {
    mkdirSync(join(folder, 'data'), { mode: 0o700 })
    writeFileSync(join(folder, 'data', 'key-id'), '../../etc/passwd')
    expect(problems(() => openConfig(read(), {}))).toContain('is not a key id')
  })
})

describe('the data directory', () => {
  const env = { PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('hex') }

  test('one that is empty or ours is closed to others', () => {
    mkdirSync(join(folder, 'data'), { mode: 0o755 })
    expect(openConfig(read({ env }), {}).warnings).toEqual([])
    expect(mode(join(folder, 'data'))).toBe(0o700)
  })
  test('one that holds other things is left as it is, with a warning', () => {
    mkdirSync(join(folder, 'data'), { mode: 0o755 })
    writeFileSync(join(folder, 'data', 'thesis.txt'), '')
    expect(openConfig(read({ env }), {}).warnings).toEqual([
      expect.stringContaining('others may look into the data directory (mode 755)'),
    ])
    expect(mode(join(folder, 'data'))).toBe(0o755)
  })
  test('what others could read of ours is closed to them, and told', () => {
    const data = join(folder, 'data')
    mkdirSync(join(data, 'journal'), { recursive: true, mode: 0o700 })
    for (const name of ['admin-token', 'portico.db', 'journal/lock'])
      writeFileSync(join(data, name), '', { mode: 0o600 })
    expect(openConfig(read({ env }), {}).warnings).toEqual([])
    for (const name of ['', 'admin-token', 'portico.db', 'journal/lock']) chmodSync(join(data, name), 0o755)
    const { warnings } = openConfig(read({ env }), {})
    expect(warnings.map((line) => line.replace(data, '').replace(/\(.*/, ''))).toEqual([
      ': others could read it ',
      '/admin-token: others could read it ',
      '/portico.db: others could read it ',
      '/journal/lock: others could read it ',
    ])
    for (const name of ['', 'admin-token', 'portico.db', 'journal/lock']) expect(mode(join(data, name))).toBe(0o700)
    expect(openConfig(read({ env }), {}).warnings).toEqual([])
  })
  for (const name of ['admin-token', 'portico.db', 'portico.db-wal', 'audit.db', 'key-id', 'journal']) {
    test(`a link where ${name} must be is refused, and what it leads to is not touched`, () => {
      mkdirSync(join(folder, 'data'), { mode: 0o700 })
      writeFileSync(join(folder, 'data', 'audit.db'), '', { mode: 0o600 })
      writeFileSync(join(folder, 'victim'), 'hers', { mode: 0o644 })
      rmSync(join(folder, 'data', name), { force: true })
      symlinkSync(join(folder, 'victim'), join(folder, 'data', name))
      writeFileSync(join(folder, 'data', name === 'portico.db' ? 'key-id' : 'portico.db'), '0123456789abcdef', {
        mode: 0o600,
      })
      expect(problems(() => openConfig(read({ env }), {}))).toContain(`${name}: is a link`)
      expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('hers')
      expect(mode(join(folder, 'victim'))).toBe(0o644)
    })
  }
  test('a start that is refused for its key mends nothing that it would not tell', () => {
    const xdg = { XDG_CONFIG_HOME: join(folder, 'xdg') }
    const { keyFile } = openConfig(read(), xdg)
    writeFileSync(join(folder, 'data', 'admin-token'), 'secret')
    for (const path of [keyFile ?? '', join(folder, 'data', 'admin-token')]) chmodSync(path, 0o644)
    expect(problems(() => openConfig(read(), xdg))).toContain('others may read it')
    expect(mode(join(folder, 'data', 'admin-token'))).toBe(0o644)
    chmodSync(keyFile ?? '', 0o600)
    expect(openConfig(read(), xdg).warnings).toEqual([expect.stringContaining('admin-token: others could read it')])
  })
  test('a key that is a link is refused', () => {
    const xdg = { XDG_CONFIG_HOME: join(folder, 'xdg') }
    const { keyFile } = openConfig(read(), xdg)
    renameSync(keyFile ?? '', join(folder, 'elsewhere'))
    symlinkSync(join(folder, 'elsewhere'), keyFile ?? '')
    expect(problems(() => openConfig(read(), xdg))).toContain('is a link; put the file itself there')
  })
  test('a file in its place is refused', () => {
    writeFileSync(join(folder, 'data'), '')
    expect(problems(() => openConfig(read({ env }), {}))).toContain('cannot be made the data directory (EEXIST)')
  })
})

test('secrets that were read are not in the environment of the process any more', () => {
  const names = Object.values(SETTINGS).flatMap(({ variable, secret }) => (secret ? [variable] : []))
  const before = Object.fromEntries([...names, 'PORTICO_TOKEN'].map((name) => [name, process.env[name]]))
  for (const name of Object.keys(before)) process.env[name] = 'canary'
  forgetSecrets()
  expect(Object.values(process.env)).not.toContain('canary')
  for (const [name, value] of Object.entries(before)) if (value !== undefined) process.env[name] = value
})

describe('child processes', () => {
  const yaml = (stdio: string) => `stdio: {${stdio}}`

  test.each([
    ['register: api', 'stdio.commands must list'],
    ['limits: {processes: 10}', 'needs stdio.run_as'],
    ['run_as: nobody', 'stdio.homes must name'],
    ['homes: relative', 'must be an absolute path'],
    ['commands: [bin/server]', 'must be absolute paths'],
    ['run_as: "no body"', 'must be a user name'],
    ['allow_unpinned: maybe', 'must be true or false'],
    ['limits: {memory: 1}', 'did you mean "memory_mb"?'],
  ])('%s is refused with what to do', (stdio, said) => {
    expect(problems(() => read({ yaml: yaml(stdio) }))).toContain(said)
  })

  test('private directories inside the data directory cannot be named', () => {
    expect(problems(() => read({ yaml: yaml(`homes: ${join(folder, 'data', 'x')}`) }))).toContain('outside')
  })

  test('words of a wrapper in a variable are JSON, and anything else is refused', () => {
    expect(problems(() => read({ env: { PORTICO_STDIO_WRAPPER: 'bwrap --bind' } }))).toContain('as JSON')
  })

  const open = (stdio: string, env: Record<string, string> = {}) =>
    openConfig(read({ yaml: yaml(stdio), env }), {
      PATH: process.env.PATH ?? '',
      XDG_CONFIG_HOME: join(folder, 'keys'),
    })

  test('allowed programs are found once, at the start, and one that is missing is told and allows nothing', () => {
    const { config, warnings } = open('commands: [sh, no-such-program]')
    expect(config.stdio.commands[0]).toMatch(/^\/.*\/sh$/)
    expect(config.stdio.commands[1]).toBe('no-such-program')
    expect(warnings).toEqual([expect.stringContaining('no-such-program')])
  })

  test('a wrapper that is not there stops the start: no child runs without it', () => {
    expect(problems(() => open('wrapper: [no-such-wrapper]'))).toContain('no-such-wrapper')
    expect(open('wrapper: [env, "{home}"]').config.stdio.wrapper).toEqual([
      expect.stringMatching(/^\/.*env$/),
      '{home}',
    ])
  })

  test('a user that is not there, and root, stop the start', () => {
    const homes = join(folder, 'homes')
    // Not root: nobody may become another user at all, and that is said first.
    const isRoot = process.getuid?.() === 0
    for (const [user, said] of [
      ['no-such-user', 'no user of this name'],
      ['root', 'root is no other user'],
      ['0', 'root is no other user'],
    ]) {
      const told = problems(() => open(`run_as: "${user}", homes: ${homes}`))
      expect(told).toContain(isRoot ? said : 'only root may start programs as another user')
    }
  })

  test('the data, the key and every file of secrets are what no child may be pointed at', () => {
    writeFileSync(join(folder, 'dsn'), 'postgres://u:p@127.0.0.1/x\n')
    const { stdio } = open('register: local', { DATABASE_URL_FILE: 'dsn' }).config
    expect(stdio.guarded).toEqual(
      expect.arrayContaining(['data', 'keys/portico', 'dsn', 'portico.yaml'].map((name) => join(folder, name))),
    )
  })
})
