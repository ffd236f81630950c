/**
 * Whether clients can read a definition. The official ones refuse the whole list where one definition in it has another form than the
 * protocol gives it, so one tool would take all others along. What is asked for here is what the strictest of them ask for, and no more:
 * members that nobody knows are free. It is looked at when lists are read, never for a request.
 */
import { z } from 'zod'
import type { JsonObject } from '../protocol/model.ts'
import type { CapabilityKind } from './model.ts'

const text = z.string().optional()
const flag = z.boolean().optional()
const meta = z.record(z.string(), z.unknown()).optional()

const icons = z
  .array(
    z.object({
      src: z.string(),
      mimeType: text,
      sizes: z.array(z.string()).optional(),
      theme: z.enum(['light', 'dark']).optional(),
    }),
  )
  .optional()

const common = { title: text, description: text, icons, _meta: meta }

/** What is true or false is shown as an object that says the same (`portal/shown-schemas.ts`). */
const property = z.custom((value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null))

const objectSchema = z.looseObject({
  $schema: text,
  type: z.literal('object'),
  properties: z.record(z.string(), property).optional(),
  required: z.array(z.string()).optional(),
})

/** What its output schema holds is looked at where it is shown: a tool can do without. */
const tool = z.object({
  ...{ ...common, name: z.string(), inputSchema: objectSchema, outputSchema: z.looseObject({}).optional() },
  annotations: z
    .object({
      title: text,
      readOnlyHint: flag,
      destructiveHint: flag,
      idempotentHint: flag,
      openWorldHint: flag,
    })
    .optional(),
  execution: z.object({ taskSupport: z.enum(['required', 'optional', 'forbidden']).optional() }).optional(),
})

const prompt = z.object({
  ...{ ...common, name: z.string() },
  arguments: z.array(z.object({ name: z.string(), description: text, required: flag })).optional(),
})

const aboutData = {
  ...{ ...common, name: z.string(), mimeType: text },
  annotations: z
    .object({
      audience: z.array(z.enum(['user', 'assistant'])).optional(),
      priority: z.number().min(0).max(1).optional(),
      lastModified: z.iso.datetime({ offset: true }).optional(),
    })
    .optional(),
}

const FORMS: Readonly<Record<CapabilityKind, z.ZodType>> = {
  tool,
  prompt,
  resource: z.object({ ...aboutData, uri: z.string(), size: z.number().optional() }),
  template: z.object({ ...aboutData, uriTemplate: z.string() }),
}

/** @returns what is wrong with it, in our own words but for the names of members; null where clients can read it */
export function malformedIn(kind: CapabilityKind, definition: JsonObject): string | null {
  const { error } = FORMS[kind].safeParse(definition)
  const issue = error?.issues[0]
  return issue === undefined ? null : `its ${issue.path.join('.')} is not what the protocol has there`
}
