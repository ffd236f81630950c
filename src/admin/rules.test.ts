/** Policies, groups and lists over the API: what they may name, what they may not, and what nobody takes from under them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, type Answer, LOGS, openAdminRoom, portalBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { addProvider } from '../../test/support/people.ts'

const POLICIES = '/access/policies'
const GROUPS = '/access/groups'
const LISTS = '/gateway/lists'
const everyone = [{ everyone: {} }]
const acme = [{ email_domain: { domain: 'acme.test' } }]

async function make(room: AdminRoom, path: string, body: object): Promise<string> {
  const answer = await room.ask('POST', path, { body })
  expect(answer.body.errors).toEqual([])
  return String(answer.body.result.id)
}

const said = (answer: Answer): string => answer.body.errors.map(({ message }) => message).join(' ')

describe.each(DATABASE_KINDS)('policies, groups and lists on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom(kind)
  })
  afterEach(() => room.end())

  test('groups and lists are made, named, changed, and given up only when nothing names them', async () => {
    const list = await make(room, LISTS, { name: 'Staff', type: 'EMAIL', items: [{ value: 'Ada@Acme.Test' }] })
    const group = await make(room, GROUPS, { name: 'Finance', include: [{ email_list: { id: list } }] })
    const outer = await make(room, GROUPS, { name: 'All', include: [{ group: { id: group } }] })
    const policy = await make(room, POLICIES, { name: 'P', decision: 'allow', include: [{ group: { id: outer } }] })

    for (const [path, id, by] of [
      [LISTS, list, 'group "Finance"'],
      [GROUPS, group, 'group "All"'],
      [GROUPS, outer, 'policy "P"'],
    ] as const) {
      const refused = await room.ask('DELETE', `${path}/${id}`)
      expect(refused.status).toBe(409)
      expect(refused.headers.get('x-should-retry')).toBe('false')
      expect(said(refused)).toContain(by)
    }
    for (const path of [`${POLICIES}/${policy}`, `${GROUPS}/${outer}`, `${GROUPS}/${group}`, `${LISTS}/${list}`]) {
      expect((await room.ask('DELETE', path)).status).toBe(200)
    }
    const rows = (await room.ask('GET', `${LOGS}?plane=admin`)).body.result
    expect(JSON.stringify(rows)).not.toContain('ada@acme.test')
    expect(rows.map((row) => JSON.stringify(row)).filter((row) => row.includes('"list"'))).not.toHaveLength(0)
  })

  test('a list is appended to, removed from and replaced; a value stands in it once', async () => {
    const id = await make(room, LISTS, {
      ...{ name: 'Staff', type: 'EMAIL', description: 'who works here' },
      items: [{ value: 'ada@acme.test' }, { value: 'ADA@acme.test' }, { value: 'bob@acme.test', description: 'guest' }],
    })
    const edited = await room.ask('PATCH', `${LISTS}/${id}`, {
      body: {
        append: [{ value: 'cyd@acme.test' }, { value: 'bob@acme.test' }],
        remove: ['Ada@acme.test', 'x@acme.test'],
      },
    })
    const values = (answer: Answer) => (answer.body.result.items as { value: string }[]).map(({ value }) => value)
    expect(values(edited)).toEqual(['bob@acme.test', 'cyd@acme.test'])
    expect(edited.body.result.count).toBe(2)
    const paged = await room.ask('GET', `${LISTS}/${id}/items?per_page=1&page=2`)
    expect(paged.body.result).toMatchObject([{ value: 'cyd@acme.test' }])
    expect(paged.body.result_info).toMatchObject({ total_count: 2, total_pages: 2 })
    const renamed = await room.ask('PUT', `${LISTS}/${id}`, {
      body: { name: 'People', items: [{ value: 'dan@acme.test' }] },
    })
    expect(values(renamed)).toEqual(['dan@acme.test'])
    expect(renamed.body.result).toMatchObject({ name: 'People', description: 'who works here', type: 'EMAIL' })
    expect((await room.ask('GET', `${LISTS}?type=IP`)).body.result).toEqual([])
    const wrong = await room.ask('PATCH', `${LISTS}/${id}`, { body: { append: [{ value: 'nobody' }] } })
    expect([wrong.status, said(wrong)]).toEqual([400, expect.stringContaining('append.0.value')])
  })

  test('a list holds ten thousand values and no more, however they come', async () => {
    const items = Array.from({ length: 9999 }, (_, at) => ({ value: `u${at}@acme.test` }))
    const id = await make(room, LISTS, { name: 'Many', type: 'EMAIL', items })
    const append = [{ value: 'one@acme.test' }, { value: 'two@acme.test' }]
    expect((await room.ask('PATCH', `${LISTS}/${id}`, { body: { append } })).status).toBe(400)
    expect((await room.ask('GET', `${LISTS}/${id}`)).body.result.count).toBe(9999)
    expect((await room.ask('PATCH', `${LISTS}/${id}`, { body: { append: append.slice(1) } })).status).toBe(200)
  })

  test('what a read gave can be sent back whole and changes nothing', async () => {
    const list = await make(room, LISTS, { name: 'L', type: 'IP', items: [{ value: '10.0.0.0/8' }] })
    const group = await make(room, GROUPS, { name: 'G', include: everyone, require: [{ ip_list: { id: list } }] })
    const policy = await make(room, POLICIES, {
      ...{ name: 'P', decision: 'allow', include: [{ group: { id: group } }], session_duration: '1440m' },
      ...{ approval_required: true, approval_groups: [{ approvals_needed: 1, email_addresses: ['boss@acme.test'] }] },
      ...{ capabilities: [{ names: ['x'] }], step_up: { max_age: '15m' }, valid_until: '2030-01-01T00:00:00Z' },
    })
    for (const path of [`${LISTS}/${list}`, `${GROUPS}/${group}`, `${POLICIES}/${policy}`]) {
      const { result: before } = (await room.ask('GET', path)).body
      const again = await room.ask('PUT', path, { body: before })
      expect(again.body.errors).toEqual([])
      const times = { modified_at: '', updated_at: '' }
      expect({ ...again.body.result, ...times }).toEqual({ ...before, ...times })
    }
    const bare = await room.ask('PUT', `${POLICIES}/${policy}`, { body: { capabilities: null, step_up: null } })
    expect(bare.body.result).not.toHaveProperty('capabilities')
    expect(bare.body.result).toMatchObject({ approval_required: true, session_duration: '1440m' })
  })

  test('groups stand eight deep in one another, and a ninth is refused from either end', async () => {
    const chain: string[] = []
    for (let depth = 1; depth <= 8; depth++) {
      const inner = chain.at(-1)
      chain.push(await make(room, GROUPS, { name: `G${depth}`, include: inner ? [{ group: { id: inner } }] : acme }))
    }
    const top = await room.ask('POST', GROUPS, { body: { name: 'G9', include: [{ group: { id: chain[7] } }] } })
    expect([top.status, said(top)]).toEqual([400, expect.stringContaining('include.0.group.id: would put 9 groups')])
    const leaf = await make(room, GROUPS, { name: 'leaf', include: acme })
    const below = await room.ask('PUT', `${GROUPS}/${chain[0]}`, {
      body: { include: acme, exclude: [{ group: { id: leaf } }] },
    })
    expect([below.status, said(below)]).toEqual([
      400,
      expect.stringContaining('exclude.0.group.id: would put 9 groups'),
    ])
  })

  test('of two writes at once that would close a circle together, one is refused', async () => {
    const a = await make(room, GROUPS, { name: 'A', include: acme })
    const b = await make(room, GROUPS, { name: 'B', include: acme })
    const name = (from: string, to: string) =>
      room.ask('PUT', `${GROUPS}/${from}`, { body: { include: [{ group: { id: to } }] } })
    const answers = await Promise.all([name(a, b), name(b, a)])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400])
  })

  test('of a group that is named and taken away at once, one is refused', async () => {
    const group = await make(room, GROUPS, { name: 'A', include: acme })
    const named = { name: 'P', decision: 'allow', include: [{ group: { id: group } }] }
    const answers = await Promise.all([
      room.ask('POST', POLICIES, { body: named }),
      room.ask('DELETE', `${GROUPS}/${group}`),
    ])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('of a policy that is attached and taken away at once, one is refused', async () => {
    const portal = '/access/ai-controls/mcp/portals'
    await room.ask('POST', portal, { body: portalBody('team') })
    for (let round = 0; round < 5; round++) {
      const policy = await make(room, POLICIES, { name: 'P', decision: 'allow', include: acme })
      const answers = await Promise.all([
        room.ask('PUT', `${portal}/team`, { body: { policies: [policy] } }),
        room.ask('DELETE', `${POLICIES}/${policy}`),
      ])
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    }
  })

  test('a group never becomes a part of itself, by whichever group of the circle that is written', async () => {
    const a = await make(room, GROUPS, { name: 'A', include: acme })
    const b = await make(room, GROUPS, { name: 'B', include: [{ group: { id: a } }] })
    const c = await make(room, GROUPS, { name: 'C', include: [{ group: { id: b } }] })
    for (const inner of [a, b, c]) {
      const refused = await room.ask('PUT', `${GROUPS}/${a}`, { body: { require: [{ group: { id: inner } }] } })
      expect([refused.status, said(refused)]).toEqual([
        400,
        expect.stringContaining('would make the group a part of itself'),
      ])
    }
    expect((await room.ask('GET', `${GROUPS}/${a}`)).body.result.require).toEqual([])
  })
})

describe('what a rule may say', () => {
  let room: AdminRoom
  let ids: Record<'group' | 'people' | 'emails' | 'ips' | 'serials' | 'token', string>
  beforeAll(async () => {
    room = await openAdminRoom()
    await addProvider(room.at.store, 'idp')
    const token = await room.ask('POST', '/access/service_tokens', { body: { name: 'ci' } })
    const emails = await make(room, LISTS, { name: 'E', type: 'EMAIL' })
    ids = {
      emails,
      ips: await make(room, LISTS, { name: 'I', type: 'IP' }),
      serials: await make(room, LISTS, { name: 'S', type: 'SERIAL' }),
      group: await make(room, GROUPS, { name: 'Machines', include: [{ ip: { ip: '10.0.0.0/8' } }] }),
      people: await make(room, GROUPS, { name: 'People', include: acme }),
      token: String(token.body.result.id),
    }
  })
  afterAll(() => room.end())

  const ask = (more: object) =>
    room.ask('POST', POLICIES, { body: { name: 'P', decision: 'allow', include: everyone, ...more } })

  // What must be there, by the path that the refusal names.
  const missing: [string, object][] = [
    ['include.0.group.id', { include: [{ group: { id: 'none' } }] }],
    ['exclude.0.email_list.id', { exclude: [{ email_list: { id: 'none' } }] }],
    ['require.1.ip_list.id', { require: [{ everyone: {} }, { ip_list: { id: 'none' } }] }],
    [
      'include.0.service_token.token_id',
      { decision: 'non_identity', include: [{ service_token: { token_id: 'none' } }] },
    ],
    ['include.0.login_method.id', { include: [{ login_method: { id: 'none' } }] }],
    ['include.0.okta.identity_provider_id', { include: [{ okta: { name: 'x', identity_provider_id: 'none' } }] }],
    [
      'approval_groups.0.email_list_uuid',
      { approval_required: true, approval_groups: [{ approvals_needed: 1, email_list_uuid: 'none' }] },
    ],
  ]
  test.each(missing)('%s names what there is', async (path, more) => {
    const refused = await ask(more)
    expect([refused.status, said(refused)]).toEqual([400, expect.stringContaining(`${path}: names no`)])
  })

  test('a list of another type is no list of addresses', async () => {
    const refused = await ask({ include: [{ email_list: { id: ids.serials } }] })
    expect(said(refused)).toContain('include.0.email_list.id: names a list of type SERIAL')
    expect((await ask({ include: [{ ip_list: { id: ids.emails } }] })).status).toBe(400)
    expect((await ask({ include: [{ ip_list: { id: ids.ips } }] })).status).toBe(200)
  })

  test('a selector that nobody knows is refused, and those that are known are named', async () => {
    const refused = await ask({ include: [{ moon_phase: { phase: 'full' } }] })
    expect(refused.status).toBe(400)
    expect(said(refused)).toContain('"moon_phase"')
    expect(said(refused)).toContain('email_domain, email_list')
  })

  test('an allow speaks of people, and a bypass of nobody', async () => {
    const machine = [{ service_token: { token_id: ids.token } }]
    expect(said(await ask({ include: machine }))).toContain('choose the decision "non_identity"')
    expect(said(await ask({ require: [{ any_valid_service_token: {} }] }))).toContain(
      'require.0.any_valid_service_token',
    )
    expect((await ask({ exclude: machine })).status).toBe(200)
    for (const decision of ['non_identity', 'bypass', 'deny']) {
      expect((await ask({ decision, include: machine })).status, decision).toBe(200)
    }
    const linked = [{ linked_app_token: { app_uid: 'a' } }]
    expect((await ask({ decision: 'non_identity', include: linked })).status).toBe(200)
    for (const decision of ['allow', 'deny']) expect((await ask({ decision, include: linked })).status).toBe(400)
    for (const part of ['include', 'exclude', 'require']) {
      const refused = await ask({ decision: 'bypass', [part]: acme })
      expect(said(refused), part).toContain(`${part}.0.email_domain`)
      expect(said(await ask({ decision: 'bypass', [part]: [{ group: { id: ids.people } }] }))).toContain(
        'in the group "People"',
      )
    }
  })

  test('a group that a bypass names does not come to speak of people', async () => {
    expect((await ask({ name: 'Office', decision: 'bypass', include: [{ group: { id: ids.group } }] })).status).toBe(
      200,
    )
    const refused = await room.ask('PUT', `${GROUPS}/${ids.group}`, { body: { include: acme } })
    expect([refused.status, said(refused)]).toEqual([400, expect.stringContaining('"Office"')])
  })

  test('what is asked of callers is asked by what lets them in, of somebody who can answer', async () => {
    const approval = {
      approval_required: true,
      approval_groups: [{ approvals_needed: 1, email_addresses: ['b@acme.test'] }],
    }
    const machine = { include: [{ any_valid_service_token: {} }] }
    const bad: [string, object][] = [
      ['approval_required', { decision: 'deny', ...approval }],
      ['purpose_justification_required', { decision: 'bypass', purpose_justification_required: true }],
      ['step_up', { decision: 'non_identity', ...machine, step_up: { auth_method: 'mfa' } }],
      ['mfa_config', { decision: 'non_identity', ...machine, mfa_config: { allowed_authenticators: ['totp'] } }],
      ['approval_groups', { approval_required: true }],
      ['valid_until', { valid_from: '2030-01-02T00:00:00Z', valid_until: '2030-01-01T00:00:00Z' }],
    ]
    for (const [field, more] of bad) {
      const refused = await ask(more)
      expect([refused.status, said(refused)]).toEqual([400, expect.stringContaining(`${field}:`)])
    }
    expect((await ask({ decision: 'non_identity', ...machine, ...approval })).status).toBe(200)
    expect((await ask({ ...approval, purpose_justification_required: true, step_up: { max_age: '15m' } })).status).toBe(
      200,
    )
  })

  // What would never compile is refused where somebody can still see it.
  const unready: [string, object][] = [
    ['capabilities.0.patterns.1', { patterns: ['ok', '(unclosed'] }],
    ['capabilities.0.patterns.0', { patterns: ['(?=lookahead)x'] }],
    ['capabilities.0.arguments.0', { arguments: [{ pointer: '/p', matches: '[' }] }],
    ['capabilities.0.expression', { expression: 'args.n >' }],
  ]
  test.each(unready)('%s must compile', async (path, entry) => {
    const refused = await ask({ capabilities: [entry] })
    expect([refused.status, said(refused)]).toEqual([400, expect.stringContaining(`${path}`)])
  })

  test('a thousand criteria are many, and more belong into groups and lists', async () => {
    const many = Array.from({ length: 600 }, (_, at) => ({ email: { email: `u${at}@acme.test` } }))
    expect((await ask({ include: many })).status).toBe(200)
    expect(said(await ask({ include: many, exclude: many }))).toContain('1000 criteria')
  })

  test('policies are found below the account, groups below a zone too, and lists are no zone’s', async () => {
    const zone = '/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353'
    expect((await room.ask('GET', `${zone}/access/groups/${ids.people}`)).body.result).toMatchObject({ name: 'People' })
    expect((await room.ask('GET', `${zone}/access/groups?name=People`)).body.result).toHaveLength(1)
    expect((await room.ask('GET', `${zone}/gateway/lists`)).status).toBe(404)
    expect((await room.ask('POST', `${zone}/access/groups`, { body: { name: 'Z', include: acme } })).status).toBe(200)
    const [row] = (await room.ask('GET', `${LOGS}?plane=admin&limit=1`)).body.result
    expect(JSON.stringify(row)).toContain('zones/023e105f4ecef8ad9ca31a8372d0c353')
  })
})
