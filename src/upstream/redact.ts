/**
 * Takes the secrets that went to a server out of what it says about a failure: a server that echoes our headers, or its
 * environment, in an error would hand them to a caller and its model. Only replies that are errors come here, so a call
 * that succeeds pays nothing.
 *
 * This is for servers that talk too much. One that means harm has the secret already and may write it in a way that is not
 * looked for.
 */

import type { RawReply } from '../protocol/model.ts'
import { readRawError, unreadableReply } from '../protocol/raw-error.ts'
import { scanReply } from '../protocol/scan.ts'
import type { ServerSetup } from './setup.ts'
import { Trouble } from './trouble.ts'

const REDACTED = '[redacted]'
/** What is shorter is no secret, and would be found in any text. */
const SHORTEST = 8
/** Of an error's message, in UTF-16 units: a sentence, not a page. */
const MESSAGE_MOST = 2048
/** In bytes. What is longer and holds a secret is not gone through: it may hold it millions of times. */
const LONGEST = 1024 * 1024

/** @returns the reply itself, unless it is an error that holds a secret of this server or is too long */
export function redactReply(raw: RawReply, setup: ServerSetup): RawReply {
  if (raw.outcome !== 'error' && !raw.has.isError) return raw
  const short = raw.outcome === 'error' ? shortened(raw) : raw
  const forms = formsOf(setup)
  const { bytes, body } = short
  if (!forms.some((form) => bytes.indexOf(form, body.from, 'latin1') >= 0)) return short
  if (body.to - body.from > LONGEST) return withheld(short)
  // A secret may be a number, or look like a piece of JSON: without it, this may be none any more.
  return rebuilt(short, replaced(bytes.toString('latin1', body.from, body.to), forms, isEscaped)) ?? withheld(short)
}

/**
 * Takes the signed statement of who calls out of whatever a server that was given one answers, success or not: whoever reads the answer
 * could show it to that server in the caller's name. Of base64url and dots, it looks the same in JSON, escaped or not.
 */
export function withoutStatement(raw: RawReply, stated: string): RawReply {
  const { bytes, body } = raw
  const at = bytes.indexOf(stated, body.from, 'latin1')
  if (at < 0 || at >= body.to) return raw
  const text = bytes.toString('latin1', body.from, body.to).replaceAll(stated, REDACTED)
  return rebuilt(raw, text) ?? withheld(raw)
}

/** The same for text of a child that is meant for the log. */
export function redactText(text: string, setup: ServerSetup): string {
  return replaced(text, formsOf(setup), () => false)
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
function formsOf({ credential, transport }: ServerSetup): string[] {
  const headers = credential instanceof Trouble ? [] : credential.headers.filter((_, i) => i % 2 === 1)
  // `Bearer` and `Basic` are known to everybody; what follows is the secret, and every form of both holds one of it.
  const bare = headers.map((value) => /^\w+ +(\S.*)$/.exec(value)?.[1] ?? value)
  const secrets = [...bare, ...Object.values(transport?.env ?? {})]
  const forms = new Set<string>()
  for (const secret of secrets) {
    if (secret.length < SHORTEST) continue
    const escaped = inJson(secret)
    const percent = encodeURIComponent(secret.toWellFormed())
    // Escaped twice where a server puts JSON, such as all its headers, into the text of its message.
    for (const form of [secret, escaped, inJson(escaped), slashed(escaped), percent, lower(percent), plus(percent)])
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
