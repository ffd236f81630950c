/** Signing in through GitHub, which has no OpenID Connect for people. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type GithubAccount, type RunningGithub, startGithub } from '../../../test/support/provider/github.ts'
import { ISSUER, newJar, openProviderRoom, type ProviderRoom } from '../../../test/support/provider/room.ts'

let room: ProviderRoom

describe('GitHub', () => {
  const octo: GithubAccount = {
    ...{ id: 583_231, login: 'octo', name: 'Mona' },
    emails: [
      { email: 'mona@private.test', primary: true, verified: true },
      { email: 'mona@acme.test', primary: false, verified: true },
    ],
    orgs: ['Acme'],
    teams: ['Acme/platform'],
  }
  let github: RunningGithub
  let id: string

  beforeAll(async () => {
    room = await openProviderRoom()
    github = await startGithub(octo)
    id = await room.add(
      {
        ...{ client_id: 'gh', allow_private: [github.place], email_domains: ['acme.test'], api_url: github.origin },
        ...{
          auth_url: `${github.origin}/login/oauth/authorize`,
          token_url: `${github.origin}/login/oauth/access_token`,
        },
      },
      { type: 'github' },
    )
  })
  afterEach(() => {
    github.account = octo
  })
  afterAll(async () => {
    await room.end()
    await github.stop()
  })

  const through = async () => {
    const response = await fetch(await room.start(id), { redirect: 'manual' })
    return room.come(id, new URL(response.headers.get('location') ?? ''))
  }

  test('says who somebody is by its API: a number, a verified address of ours, organisations and teams', async () => {
    const session = await room.who(await through())
    expect(session).toMatchObject({
      email: 'mona@acme.test',
      identity: { subject: '583231', groups: ['Acme', 'Acme/platform'], claims: { login: 'octo' } },
    })
    expect(github.scopes).toBe('read:user user:email read:org')
    expect((await room.lastDeed())?.method).toBe('sign-in github')
  })

  test.each<[string, Partial<GithubAccount>]>([
    ['not verified', { emails: [{ email: 'mona@acme.test', primary: true, verified: false }] }],
    ['of another domain', { emails: [{ email: 'mona@private.test', primary: true, verified: true }] }],
    ['not there', { emails: [] }],
  ])('with an address that is %s', async (_, more) => {
    github.account = { ...octo, ...more }
    expect(await through()).toEqual({ kind: 'refused', reason: 'foreign-address' })
  })

  test('that does not say the organisations leaves them unknown', async () => {
    github.account = { ...octo, orgs: null }
    expect((await room.who(await through())).identity.groups).toBeNull()
  })

  test('with more of them than are read leaves them unknown', async () => {
    github.account = { ...octo, orgs: Array.from({ length: 1000 }, (__, i) => `org-${i}`) }
    expect((await room.who(await through())).identity.groups).toBeNull()
    github.account = { ...octo, orgs: Array.from({ length: 250 }, (__, i) => `org-${i}`) }
    expect((await room.who(await through())).identity.groups).toHaveLength(251)
  })

  test('refuses a code twice, and so does the portal', async () => {
    const response = await fetch(await room.start(id, newJar('a')), { redirect: 'manual' })
    const answer = new URL(response.headers.get('location') ?? '')
    const used = answer.searchParams.get('code') ?? ''
    expect(await room.come(id, answer, newJar('a'))).toMatchObject({ kind: 'signed-in' })
    const again = new URL(ISSUER)
    again.searchParams.set('state', new URL(await room.start(id)).searchParams.get('state') ?? '')
    again.searchParams.set('code', used)
    expect(await room.come(id, again)).toEqual({ kind: 'refused', reason: 'provider-refused' })
  })
})
