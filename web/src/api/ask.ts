/**
 * The one way to the server: its public REST API, in the name of whoever is signed in. The header is one that no page of another site can
 * send; the server insists on it.
 */

/** What a request could not do, in the server's own words. */
export class Problem extends Error {
  /** 0 where the server was not reached. */
  readonly status: number
  /** One for each thing that is wrong; those of a field begin with its path. */
  readonly says: readonly string[]

  constructor(status: number, says: readonly string[]) {
    super(says.join(' '))
    this.status = status
    this.says = says
  }

  /** @returns what is wrong with one field, without its path */
  at(field: string): string | undefined {
    const found = this.says.find((one) => one.startsWith(`${field}:`) || one.startsWith(`${field}.`))
    return found?.slice(found.indexOf(':') + 1).trim()
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface Told<Result, Info = unknown> {
  result: Result
  info: Info
  /** What should be known beside a success. */
  messages: readonly string[]
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

interface Envelope {
  success: boolean
  result: unknown
  result_info: unknown
  errors: readonly { message: string }[]
  messages: readonly { message: string }[]
}

/** Any account id is answered; this is the one that a portal has unless it was given another. */
const HOME = '/client/v4/accounts/'
let account = 'default'

/** @param id the one that the portal says is its own */
export function useAccount(id: string): void {
  account = id
}

export function pathTo(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const text = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')
  return `${HOME}${encodeURIComponent(account)}${path}${text === '' ? '' : `?${text}`}`
}

/**
 * @param path below the account
 * @throws Problem
 */
export async function ask<Result, Info = unknown>(
  method: Method,
  path: string,
  { body, query, signal }: { body?: unknown; query?: Query; signal?: AbortSignal } = {},
): Promise<Told<Result, Info>> {
  const response = await fetch(pathTo(path, query), {
    method,
    headers: { 'x-portico-request': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Problem(0, ['The portal cannot be reached. Is it running, and is this machine connected?'])
  })
  const answer = (await response.json().catch(() => null)) as Envelope | null
  if (answer === null)
    throw new Problem(response.status, [`The portal answered ${response.status}, and not as it should.`])
  if (!answer.success)
    throw new Problem(
      response.status,
      answer.errors.map(({ message }) => message),
    )
  return {
    result: answer.result as Result,
    info: answer.result_info as Info,
    messages: answer.messages.map(({ message }) => message),
  }
}

/** One value of a path. */
export const part = (value: string): string => encodeURIComponent(value)
