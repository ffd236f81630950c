/**
 * The REST API as the command line uses it. The token goes to the portal that was named and nowhere else: redirects
 * are not followed, and a portal on another machine is spoken to over https only.
 */
import { z } from 'zod'
import { API_ERRORS, apiErrorSchema } from '../contract/envelope.ts'
import { CliError } from './cli-error.ts'

const TIMEOUT_MS = 60_000
const PER_PAGE = 1000

const envelope = z.looseObject({
  success: z.boolean(),
  errors: z.array(apiErrorSchema).nullish(),
  messages: z.array(apiErrorSchema).nullish(),
  result: z.unknown().optional(),
  result_info: z.unknown().optional(),
})

export type Query = Readonly<Record<string, string | number | undefined>>

export interface Api {
  /** Base URL of the portal, no trailing slash. */
  readonly url: string
  get<T>(path: string, shape: z.ZodType<T>, query?: Query): Promise<T>
  /** Every page of a list. */
  list<T>(path: string, item: z.ZodType<T>, query?: Query): Promise<T[]>
  /** One page with what it says about itself. */
  page<T, I>(path: string, item: z.ZodType<T>, info: z.ZodType<I>, query: Query): Promise<{ items: T[]; info: I }>
  post<T>(path: string, shape: z.ZodType<T>, body?: unknown): Promise<T>
  put<T>(path: string, shape: z.ZodType<T>, body: unknown): Promise<T>
  patch<T>(path: string, shape: z.ZodType<T>, body: unknown): Promise<T>
  /** @returns false when there was nothing to remove */
  remove(path: string): Promise<boolean>
}

export interface ApiTarget {
  url: string
  account: string
  token: string
  /** What the portal says beside an answer. */
  onMessage(text: string): void
}

export function openApi({ url, account, token, onMessage }: ApiTarget): Api {
  const base = `${url}/client/v4/accounts/${encodeURIComponent(account)}`

  async function ask(method: string, path: string, query: Query, body?: unknown): Promise<z.infer<typeof envelope>> {
    const target = new URL(base + path)
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) target.searchParams.set(name, String(value))
    const response = await send(url, target, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const answer = await open(url, response)
    for (const { message } of answer.messages ?? []) onMessage(message)
    return answer
  }

  return {
    url,
    get: async (path, shape, query = {}) => read(url, shape, (await ask('GET', path, query)).result),
    async list(path, item, query = {}) {
      const all: z.infer<typeof item>[] = []
      for (let page = 1; ; page++) {
        const items = read(url, z.array(item), (await ask('GET', path, { ...query, page, per_page: PER_PAGE })).result)
        all.push(...items)
        if (items.length < PER_PAGE) return all
      }
    },
    async page(path, item, info, query) {
      const answer = await ask('GET', path, query)
      return { items: read(url, z.array(item), answer.result), info: read(url, info, answer.result_info) }
    },
    post: async (path, shape, body) => read(url, shape, (await ask('POST', path, {}, body)).result),
    put: async (path, shape, body) => read(url, shape, (await ask('PUT', path, {}, body)).result),
    patch: async (path, shape, body) => read(url, shape, (await ask('PATCH', path, {}, body)).result),
    async remove(path) {
      try {
        await ask('DELETE', path, {})
        return true
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return false
        throw error
      }
    },
  }
}

/** The portal said no. */
export class ApiError extends CliError {
  readonly status: number

  constructor(status: number, message: string, code: number | undefined, hint: string | undefined) {
    super(message, { ...(code === undefined ? {} : { code }), ...(hint === undefined ? {} : { hint }) })
    this.name = 'ApiError'
    this.status = status
  }
}

async function send(url: string, target: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(target, init)
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') {
      throw new CliError(`${url} did not answer within ${TIMEOUT_MS / 1000} seconds.`)
    }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined
    const code = cause === undefined ? '' : ` (${(cause as NodeJS.ErrnoException).code ?? cause.message})`
    throw new CliError(`No portal answers at ${url}${code}.`, {
      hint: 'Start one with "portico start", or say where it is with --url.',
    })
  }
}

async function open(url: string, response: Response): Promise<z.infer<typeof envelope>> {
  const parsed = envelope.safeParse(await response.json().catch(() => undefined))
  if (!parsed.success) {
    throw new CliError(`${url} answered ${response.status} and not as a portal does.`, { hint: 'Check --url.' })
  }
  if (response.ok && parsed.data.success) return parsed.data
  const errors = parsed.data.errors ?? []
  const message = errors.map((error) => error.message).join(' ') || `The portal answered ${response.status}.`
  throw new ApiError(response.status, message, errors[0]?.code, hintFor(errors[0]?.code))
}

function hintFor(code: number | undefined): string | undefined {
  switch (code) {
    case API_ERRORS.unauthenticated.code:
      return 'Give an API token with --token or PORTICO_TOKEN, or run this where the data directory is (--data).'
    case API_ERRORS.forbidden.code:
      return 'An owner can make a token that may: portico token create --api ROLE'
    default:
      return undefined
  }
}

function read<T>(url: string, shape: z.ZodType<T>, value: unknown): T {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new CliError(`${url} answered in a shape that this version does not know (at "${where}").`, {
    hint: 'Use the same version of portico here and there.',
  })
}
