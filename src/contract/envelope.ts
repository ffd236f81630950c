/** The five-field envelope of every answer, success and failure alike, and the codes of the failures. */
import { z } from 'zod'

/** In the words of the reference. Clients may rely on the code; the message is for people and may change. */
export const API_ERRORS = {
  unauthenticated: { code: 10000, status: 401, when: 'no API token, or one that is unknown, expired or revoked' },
  invalid: { code: 11000, status: 400, when: 'a field is wrong; the message begins with its path' },
  forbidden: { code: 11003, status: 403, when: 'the token is good and lacks the right' },
  notFound: { code: 11004, status: 404, when: 'no such object, or no such route' },
  conflict: {
    code: 11009,
    status: 409,
    when: 'it exists already, or something still uses it; never worth a retry',
  },
  tooLarge: { code: 11013, status: 413, when: 'a body of more than 1 MiB' },
  notJson: { code: 11015, status: 415, when: 'a body that is not JSON' },
  readOnly: { code: 11023, status: 403, when: 'declared in the configuration file; change it there' },
  internal: { code: 11050, status: 500, when: 'a bug; the message has the id under which the log keeps it' },
  unavailable: { code: 11053, status: 503, when: 'the database or the audit does not answer' },
  notice: {
    code: 11100,
    status: 200,
    when: 'in `messages`, beside a success: worth knowing, nothing failed',
  },
} as const satisfies Readonly<Record<string, { code: number; status: number; when: string }>>

export type ApiErrorName = keyof typeof API_ERRORS

export const apiErrorSchema = z.object({ code: z.int(), message: z.string() })

export const pageInfoSchema = z.object({
  page: z.int(),
  per_page: z.int(),
  count: z.int(),
  total_count: z.int(),
  total_pages: z.int(),
})

export const failureSchema = z.object({
  result: z.null(),
  success: z.literal(false),
  errors: z.array(apiErrorSchema),
  messages: z.array(apiErrorSchema),
  result_info: z.null(),
})

export function successSchema(result: z.ZodType, info: z.ZodType) {
  return z.object({
    result,
    success: z.literal(true),
    errors: z.array(apiErrorSchema),
    messages: z.array(apiErrorSchema),
    result_info: info,
  })
}

/** A whole number that came as text. */
export function queryNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^[0-9]{1,16}$/, 'give a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max))
}

export const PER_PAGE_DEFAULT = 50
export const PER_PAGE_MAX = 1000

/** A page past the end is an empty array, because the official SDK asks on until it gets one. */
export const pageQuery = z.object({
  page: queryNumber(1, 1_000_000_000).optional(),
  per_page: queryNumber(1, PER_PAGE_MAX).optional(),
  search: z.string().max(256).optional(),
  /** Some lists of the field are asked by name. */
  name: z.string().max(350).optional(),
})
export type PageQuery = z.infer<typeof pageQuery>
