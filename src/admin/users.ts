/** `/access/users`: people, what they are signed in with, and ending it. */
import type { Operator, Role } from '../base/principal.ts'
import type { UserRevoke } from '../contract/organization.ts'
import type { UserQuery, UserShown } from '../contract/user.ts'
import { listIdentitiesOf } from '../identity/identity-store.ts'
import { disableUser, highestOf, roleOfUser } from '../identity/last-owner.ts'
import { findUserByEmail, listPeople, type Person, readPerson, switchUser } from '../identity/people-store.ts'
import { revokeUser } from '../identity/revoke-user.ts'
import { listRoleMembers } from '../identity/role-store.ts'
import { readUser, type UserRecord } from '../identity/user-store.ts'
import type { Db } from '../store/open.ts'
import { holds } from './holds.ts'
import { pageOf } from './paging.ts'
import { conflict, forbidden, invalid, notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime, shownTimeOrNull } from './times.ts'

export async function listUsers({ deps, query }: Call<unknown, UserQuery>): Promise<Outcome> {
  const email = query.email?.toLowerCase()
  const name = query.name?.toLowerCase()
  const people = (await listPeople(deps.store.db, deps.clock.now())).filter(
    (person) =>
      (email === undefined || person.email === email) &&
      (name === undefined || (person.name ?? '').toLowerCase().includes(name)),
  )
  const page = pageOf(people, query, (person) => [person.id, person.email ?? '', person.name ?? ''])
  return { result: await showAll(deps.store.db, page.items), info: page.info }
}

export async function getUser({ deps, id }: Call): Promise<Outcome> {
  return { result: await shown(deps.store.db, id, deps.clock.now()) }
}

/** Everybody who may end sign-ins may end anybody's: it takes nothing away that signing in again does not give back. */
export async function revokeUserAccess({ deps, body }: Call<UserRevoke>): Promise<Outcome> {
  const user = await deps.store.write(async (trx) => {
    const meant = await namedUser(trx, body)
    await revokeUser(deps.store, trx, meant.id, 'revoked')
    return meant
  })
  const fields = ['sessions', 'grants', 'access_tokens']
  // What they connected is theirs when they sign in again, unless it is asked for: it is of no use to anybody else.
  if (body.connections === true) {
    await deps.upstreams.desk.disconnect({ user: user.id })
    fields.push('connections')
  }
  return { result: true, change: { object: 'user', id: user.id, fields } }
}

export async function disableUserAccess({ deps, id, operator }: Call): Promise<Outcome> {
  await deps.store.write(async (trx) => {
    const user = await existing(trx, id)
    refuseHigher(operator, await roleOfUser(trx, user))
    if ((await disableUser(deps.store, trx, user)) === 'last-owner') {
      throw conflict(
        'This is the last owner who can sign in. Give another person the role, let them sign in, then try again.',
      )
    }
  })
  return changed(deps, id)
}

/** Gives nothing back that was ended: the person signs in anew, and lets each client in anew. */
export async function enableUserAccess({ deps, id, operator }: Call): Promise<Outcome> {
  await deps.store.write(async (trx) => {
    const user = await existing(trx, id)
    refuseHigher(operator, await roleOfUser(trx, user))
    await switchUser(deps.store, trx, user.id, 'on')
  })
  return changed(deps, id)
}

async function changed(deps: Call['deps'], id: string): Promise<Outcome> {
  const result = await shown(deps.store.db, id, deps.clock.now())
  return { result, change: { object: 'user', id, fields: ['disabled_at'] } }
}

/** Nobody takes away, or gives, more than they hold. */
function refuseHigher(operator: Operator, theirs: Role | null): void {
  if (theirs === null || holds(operator, { role: theirs, scopes: [] })) return
  throw forbidden(`This person has the role ${theirs}, which may do more than you may. Ask an owner to do it.`)
}

async function namedUser(db: Db, { email, user_uid }: UserRevoke): Promise<UserRecord> {
  const byAddress = email === undefined ? undefined : await findUserByEmail(db, email.toLowerCase())
  if (email !== undefined && byAddress === undefined) throw notFound('user with the address', email)
  if (user_uid === undefined && byAddress !== undefined) return byAddress
  const byId = await existing(db, user_uid ?? '')
  if (byAddress !== undefined && byAddress.id !== byId.id)
    throw invalid('user_uid', 'is not the person with this email')
  return byId
}

export async function existing(db: Db, id: string): Promise<UserRecord> {
  const user = await readUser(db, id)
  if (user === undefined) throw notFound('user', id)
  return user
}

async function shown(db: Db, id: string, now: number): Promise<UserShown> {
  const person = await readPerson(db, id, now)
  const [only] = await showAll(db, person === undefined ? [] : [person])
  if (only === undefined) throw notFound('user', id)
  return only
}

/** @param people one page of them: their accounts are read at once */
async function showAll(db: Db, people: readonly Person[]): Promise<UserShown[]> {
  const members = await listRoleMembers(db)
  const accounts = await listIdentitiesOf(
    db,
    people.map(({ id }) => id),
  )
  return people.map((person) => {
    const own = accounts.filter(({ userId }) => userId === person.id)
    const providers = [...new Set(own.map(({ provider }) => provider))]
    return { ...show(person), role: highestOf(members, person, own), identity_providers: providers }
  })
}

function show(person: Person): Omit<UserShown, 'role' | 'identity_providers'> {
  const { id, email, name, disabledAt, createdAt, lastSeenAt, lastSignInAt } = person
  return {
    ...{ id, uid: id, seat_uid: id, email, name },
    access_seat: lastSignInAt !== null && disabledAt === null,
    gateway_seat: false,
    active_device_count: person.browsers,
    created_at: shownTime(createdAt),
    updated_at: shownTime(Math.max(createdAt, lastSeenAt ?? 0, lastSignInAt ?? 0, disabledAt ?? 0)),
    last_successful_login: shownTimeOrNull(lastSignInAt),
    last_seen_at: shownTimeOrNull(lastSeenAt),
    disabled_at: shownTimeOrNull(disabledAt),
  }
}
