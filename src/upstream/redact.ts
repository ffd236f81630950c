/**
 * Takes the secrets that went to a server out of what it says about a failure, beside its answers, and about itself: a server that
 * echoes our headers, or its environment, in an error would hand them to a caller and its model, and in a list to everybody and the
 * database. In the result of a call that succeeds only the token itself is looked for, as it is: that costs next to nothing.
 *
 * This is for servers that talk too much. One that means harm has the secret already and may write it in a way that is not
 * looked for.
 */

import type { Json, Notification, RawReply } from '../protocol/model.ts'
import { withoutMarks } from '../protocol/portal-mark.ts'
import { readRawError, unreadableReply } from '../protocol/raw-error.ts'
import { scanReply } from '../protocol/scan.ts'
import type { LiveCredential } from './connections/model.ts'
import type { ServerSetup } from './setup.ts'

const REDACTED = '[redacted]'
/** What is shorter is no secret, and would be found in any text. */
const SHORTEST = 8
/** The same in what a server says of itself, where a word of ours may stand for what it is. */
const SHORTEST_IN_LISTS = 16
/** Of an error's message, in UTF-16 units: a sentence, not a page. */
const MESSAGE_MOST = 2048
/** In bytes. What is longer and holds a secret is not gone through: it may hold it millions of times. */
const LONGEST = 1024 * 1024

/** All of what follows, for the answer to one call, and the portal's own marks, which are nobody else's to bear. */
export function withoutSecrets(
  raw: RawReply,
  setup: Pick<ServerSetup, 'transport'>,
  { needles, secrets }: Pick<LiveCredential, 'needles' | 'secrets'>,
  { stated }: { stated: readonly string[] },
): RawReply {
  const own = withoutMarks(raw) ?? withheld(raw)
  return redactReply(withoutTokens(withoutStatements(own, stated), needles), setup, secrets)
}

/**
 * @param secrets of the credential that went with the call
 * @returns the reply itself, unless it is an error that holds a secret of this server or is too long
 */
export function redactReply(
  raw: RawReply,
  setup: Pick<ServerSetup, 'transport'>,
  secrets: readonly string[],
): RawReply {
  if (raw.outcome !== 'error' && !raw.has.isError) return raw
  const short = raw.outcome === 'error' ? shortened(raw) : raw
  const forms = formsOf(setup, secrets)
  const { bytes, body } = short
  if (!forms.some((form) => bytes.indexOf(form, body.from, 'latin1') >= 0)) return short
  if (body.to - body.from > LONGEST) return withheld(short)
  // A secret may be a number, or look like a piece of JSON: without it, this may be none any more.
  return rebuilt(short, replaced(bytes.toString('latin1', body.from, body.to), forms, isEscaped)) ?? withheld(short)
}

/**
 * The same for a progress or log message, and for a question.
 *
 * @param forms as `formsOf` makes them
 * @returns what was said itself, unless it holds a secret; null where nothing of it can be shown
 */
export function redactNotification<Said extends Notification>(said: Said, forms: readonly string[]): Said | null {
  const params = withoutForms(said.params, forms)
  if (params === said.params) return said
  return params === null ? null : { ...said, params }
}

/**
 * The same for a page of what a server lists. Its environment is not looked for: there are words and places in it that a description names.
 *
 * @returns an error where it holds a secret and cannot be shown without it
 */
export function redactList(raw: RawReply, secrets: readonly string[]): RawReply {
  const forms = formsOf({ transport: null }, secrets, SHORTEST_IN_LISTS)
  const { bytes, body } = raw
  const isClean = !forms.some((form) => {
    const at = bytes.indexOf(form, body.from, 'latin1')
    return at >= 0 && at < body.to
  })
  if (isClean) return raw
  if (body.to - body.from > LONGEST) return withheld(raw)
  return rebuilt(raw, replaced(bytes.toString('latin1', body.from, body.to), forms, isEscaped)) ?? withheld(raw)
}

/** The same for what a server says in its greeting. @returns null where nothing of it can be shown */
export function redactGreeting<T extends Json>(said: T, secrets: readonly string[]): T | null {
  return withoutForms(said, formsOf({ transport: null }, secrets, SHORTEST_IN_LISTS))
}

/** @returns the value itself where none of the forms is in it */
function withoutForms<T extends Json>(value: T, forms: readonly string[]): T | null {
  if (forms.length === 0) return value
  const text = Buffer.from(JSON.stringify(value)).toString('latin1')
  if (!forms.some((form) => text.includes(form))) return value
  if (text.length > LONGEST) return null
  try {
    return JSON.parse(Buffer.from(replaced(text, forms, isEscaped), 'latin1').toString()) as T
  } catch {
    // A secret that looks like a piece of JSON was one.
    return null
  }
}

/**
 * Takes the signed statements of who calls out of whatever a server that was given one answers, success or not: whoever reads the answer
 * could show it to that server in the caller's name. Of base64url and dots, it looks the same in JSON, escaped or not.
 */
function withoutStatements(raw: RawReply, stated: readonly string[]): RawReply {
  return stated.length === 0 ? raw : stated.reduce(withoutWord, raw)
}

function withoutWord(raw: RawReply, stated: string): RawReply {
  const { bytes, body } = raw
  const at = bytes.indexOf(stated, body.from, 'latin1')
  if (at < 0 || at >= body.to) return raw
  const text = bytes.toString('latin1', body.from, body.to).replaceAll(stated, REDACTED)
  return rebuilt(raw, text) ?? withheld(raw)
}

/**
 * Takes the live token out of a result that repeats it as it is: a server's echo of our headers must not end in a model's context.
 *
 * @param needles as `needlesOf` makes them
 */
export function withoutTokens(raw: RawReply, needles: readonly Buffer[]): RawReply {
  // Errors are gone through for every form, and for their length.
  if (raw.outcome === 'error' || raw.has.isError) return raw
  let clean = raw
  for (const needle of needles) {
    const { bytes, body } = clean
    const at = bytes.indexOf(needle, body.from)
    if (at >= 0 && at < body.to) clean = withoutWord(clean, needle.toString('latin1'))
  }
  return clean
}

/** What is looked for in every result: secrets that are long, and look the same in JSON. Made once, not for each call. */
export function needlesOf(secrets: readonly string[]): readonly Buffer[] {
  return secrets
    .map(bareOf)
    .filter((secret) => secret.length >= SHORTEST_IN_LISTS && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(secret))
    .map((secret) => Buffer.from(secret, 'latin1'))
}

/** `Bearer` and `Basic` are known to everybody; what follows is the secret, and every form of both holds one of it. */
function bareOf(value: string): string {
  return /^\w+ +(\S.*)$/.exec(value)?.[1] ?? value
}

/** The same for text of a child that is meant for the log. */
export function redactText(text: string, setup: Pick<ServerSetup, 'transport'>): string {
  return replaced(text, formsOf(setup, []), () => false)
}

/**
 * @param body one character a byte
 * @returns null where that is no answer
 */
function rebuilt({ bytes, body: span }: RawReply, body: string): RawReply | null {
  return scanReply(Buffer.concat([bytes.subarray(0, span.from), Buffer.from(body, 'latin1'), bytes.subarray(span.to)]))
}

/** @param body one character a byte, and JSON */
function withBody(raw: RawReply, body: string): RawReply {
  const scanned = rebuilt(raw, body)
  if (scanned === null) throw new Error('an error of our own is no answer')
  return scanned
}

/** In place of an error that cannot be shown. */
function withheld(raw: RawReply): RawReply {
  const error = unreadableReply()
  const result = { content: [{ type: 'text', text: error.message }], isError: true }
  return withBody(raw, JSON.stringify(raw.outcome === 'error' ? error : result))
}

function shortened(raw: RawReply): RawReply {
  if (raw.body.to - raw.body.from <= MESSAGE_MOST) return raw
  const error = readRawError(raw)
  if (error.message.length <= MESSAGE_MOST) return raw
  const message = `${error.message.slice(0, MESSAGE_MOST).toWellFormed()}…`
  return withBody(raw, Buffer.from(JSON.stringify({ ...error, message })).toString('latin1'))
}

/** Form by form and without a pattern: an error may be 32 MiB, of a server that knows what is looked for. */
function replaced(text: string, forms: readonly string[], isNone: (text: string, at: number) => boolean): string {
  let kept = text
  for (const form of forms)
    kept = kept.replaceAll(form, (found: string, at: number, whole: string) => (isNone(whole, at) ? found : REDACTED))
  return kept
}

/** Behind a backslash that belongs to its first character, a form is none: without that character the JSON would break. */
function isEscaped(text: string, at: number): boolean {
  let from = at
  while (text[from - 1] === '\\') from--
  return (at - from) % 2 === 1
}

/** The ways in which this server's secrets may stand in a text, the longest first. */
export function formsOf(
  { transport }: Pick<ServerSetup, 'transport'>,
  given: readonly string[],
  shortest = SHORTEST,
): string[] {
  const secrets = [...given.map(bareOf), ...Object.values(transport?.env ?? {})]
  const forms = new Set<string>()
  for (const secret of secrets) {
    if (secret.length < shortest) continue
    const escaped = inJson(secret)
    const percent = encodeURIComponent(secret.toWellFormed())
    const inForm = new URLSearchParams([['', secret]]).toString().slice(1)
    // Escaped twice where a server puts JSON, such as all its headers, into the text of its message.
    for (const form of [
      secret,
      escaped,
      inJson(escaped),
      slashed(escaped),
      percent,
      lower(percent),
      plus(percent),
      inForm,
      lower(inForm),
    ])
      forms.add(Buffer.from(form).toString('latin1'))
    for (const form of [...base64Forms(secret), ...hexForms(secret)]) forms.add(form)
  }
  return [...forms].sort((a, b) => b.length - a.length)
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function slashed(text: string): string {
  return text.replaceAll('/', '\\/')
}

function lower(percent: string): string {
  return percent.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())
}

function plus(percent: string): string {
  return percent.replaceAll('%20', '+')
}

function hexForms(secret: string): string[] {
  const hex = Buffer.from(secret).toString('hex')
  return [hex, hex.toUpperCase()]
}

/** What stays the same of its base64 wherever it begins in the text that was encoded. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
    const from = Math.ceil((before * 8) / 6)
    const to = Math.floor((whole.length * 8) / 6)
    const plain = whole.toString('base64').slice(from, to)
    return [plain, slashed(plain), whole.toString('base64url').slice(from, to)]
  })
}
