/** The five-field envelope of every answer, success and failure alike, and the codes of the failures. */
import { z } from 'zod'

/** Clients may rely on the code; the message is for people and may change. */
export const ERROR_CODES = {
  /** 401: no token, or one that is unknown, expired or revoked. */
  unauthenticated: 10000,
  /** 400: the path of the field is in the message. */
  invalid: 11000,
  /** 403: the token is good and lacks the right. */
  forbidden: 11003,
  /** 404 */
  notFound: 11004,
  /** 409: never worth a retry. */
  conflict: 11009,
  /** 413 */
  tooLarge: 11013,
  /** 415 */
  notJson: 11015,
  /** 403: declared in the configuration file. */
  readOnly: 11023,
  /** 500 */
  internal: 11050,
  /** 503 */
  unavailable: 11053,
  /** In `messages`, beside a success: worth knowing, nothing failed. */
  notice: 11100,
} as const

export type ErrorCode = (typeof ERROR_CODES)[keyof typeof ERROR_CODES]

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
