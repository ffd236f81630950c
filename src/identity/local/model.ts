/** What signing in without an identity provider offers to the pages and to `app.ts`: passwords, mailed PINs, and the first admin's link. */
import type { Log } from '../../base/log.ts'
import type { Mac } from '../../base/secret.ts'
import type { Completed, SignInFrom, SignInRefusal, SignInRooms } from '../complete-sign-in.ts'
import type { Mailer } from './mailer.ts'
import type { Passwords } from './password.ts'

/** Of which browser and machine something came; the way of signing in is this room's own to say. */
export type Visitor = Omit<SignInFrom, 'method'>

export interface Local {
  /** Whether people may sign in with a password now. */
  offersPassword(): boolean
  /** Whether people may have a PIN mailed now: mail is set, there is a provider of the type `onetimepin`, and local sign-in is on. */
  offersPin(): boolean
  signIn(given: { email: string; password: string; from: Visitor }): Promise<Completed>
  /**
   * Mails a PIN, if the address is of somebody who could get something with it; the answer is the same for any other, and where PINs
   * are not offered.
   *
   * @param asked `binding` is the browser's that asks; `returnTo` is where it goes on once it is signed in, checked by the caller
   */
  sendPin(asked: { email: string; binding: string; returnTo: string; from: Visitor }): Promise<'locked-out' | undefined>
  /** @returns `returnTo` as it was given with the PIN; `/` where there was none */
  enterPin(given: { code: string; binding: string; from: Visitor }): Promise<Completed & { returnTo: string }>
  /** Whether an admin link is good now. Changes nothing, however often it is asked. */
  readAdminLink(token: string): Promise<boolean>
  /** Uses the link up, makes the first owner, and signs them in. What is wrong with the answers leaves the link as it is. */
  consumeAdminLink(token: string, owner: NewOwner, from: Visitor): Promise<Consumed>
  /** @returns the address whose password the link sets, or null where it is over. Changes nothing, however often it is asked. */
  readPasswordLink(token: string): Promise<string | null>
  /** Uses the link up and sets the password; all that the account had until now ends. What is wrong with it leaves the link as it is. */
  consumePasswordLink(token: string, password: string, from: Visitor): Promise<PasswordSet>
  hasAdmin(): Promise<boolean>
  /** Deletes what is over: counters, PINs, links. */
  forget(): Promise<void>
  /** Waits for mail that is under way. */
  close(): Promise<void>
}

export interface NewOwner {
  email: string
  name: string
  password: string
}

export type PasswordSet =
  | { kind: 'set'; email: string }
  | { kind: 'invalid'; email: string; problems: readonly string[] }
  | { kind: 'refused'; reason: SignInRefusal }

/** `invalid` comes with sentences for the person, one for each thing that is wrong. */
export type Consumed = Completed | { kind: 'invalid'; problems: readonly string[] }

export interface LocalNeeds extends SignInRooms {
  log: Log
  /** For the purpose `pin`. */
  mac: Mac
  /** Null where no mail is set. */
  mailer: Mailer | null
  /** Whether an address could get into anything, so that nobody can have strangers mailed. Whoever has a role is not asked about. */
  mayReceive(email: string): Promise<boolean> | boolean
  /** Shown in the mail: where people sign in. */
  issuer(): string
  passwords: Passwords
}

/** What the ways of signing in share. */
export interface LocalRooms extends LocalNeeds {
  /** The provider by which PINs are offered, or null. */
  pinProvider(): string | null
}
