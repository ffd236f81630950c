/** An upstream's error, read: errors are small, and their codes mean different things in different eras. */
import { ErrorCode } from './errors.ts'
import { parse } from './json-bytes.ts'
import type { Json, RawReply, RpcError } from './model.ts'

/** @returns the error, or one that says it could not be read */
export function readRawError(raw: RawReply): RpcError {
  const error = parse(raw.bytes, raw.body)
  if (typeof error !== 'object' || error === null || Array.isArray(error)) return unreadableReply()
  const { code, message, data } = error as { [key: string]: Json }
  if (typeof code !== 'number' || !Number.isSafeInteger(code) || typeof message !== 'string') return unreadableReply()
  return data === undefined ? { code, message } : { code, message, data }
}

/** For what a server sent and no caller may be shown. */
export function unreadableReply(): RpcError {
  const message = 'The server answered with something this portal cannot relay. Try again, or tell its administrator.'
  return { code: ErrorCode.InternalError, message }
}
