/** OpenAPI 3.1, written from the table of routes and from nothing else. */
import { z } from 'zod'
import { failureSchema, successSchema } from '../contract/envelope.ts'
import { namesIn, type Route } from './route.ts'

const PREFIX = '/client/v4/accounts/{account_id}'

export function describeApi(routes: readonly Route[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = PREFIX + route.path
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describeRoute(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portico',
      version: '4',
      description:
        'The admin API of the portal. Account ids are accepted for compatibility; they are not a boundary. Apps, groups, service tokens, identity providers and organizations are answered below /client/v4/zones/{zone_id} too.',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'An API token (`ptapi_…`).' } },
      schemas: { Failure: toSchema(failureSchema, 'output') },
    },
  }
}

function describeRoute(route: Route): Record<string, unknown> {
  const failure = { description: 'Failure', content: asJson({ $ref: '#/components/schemas/Failure' }) }
  const success = successSchema(route.result, route.info ?? z.null())
  return {
    summary: route.summary,
    operationId: operationId(route),
    description: `Needs ${rightsIn(route)}.`,
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(route.body === undefined ? {} : { requestBody: { content: asJson(toSchema(route.body, 'input')) } }),
    responses: {
      200: {
        description: 'Success',
        content: route.types ? asTexts(route.types) : asJson(toSchema(success, 'output')),
      },
      ...Object.fromEntries(statusesOf(route).map((status) => [status, failure])),
    },
  }
}

function rightsIn({ right, also = [] }: Route): string {
  const words = [right, ...also].map((one) => `the right \`${one}\``)
  return words.join(' and ')
}

function statusesOf(route: Route): number[] {
  const statuses = [401, 403, 404, 500, 503]
  if (route.body !== undefined || route.query !== undefined) statuses.push(400)
  if (route.body !== undefined) statuses.push(413, 415)
  if (route.method !== 'GET') statuses.push(409)
  return statuses
}

function operationId(route: Route): string {
  const words = route.path.split(/[^a-z]+/).filter((word) => word !== '')
  return [route.method.toLowerCase(), ...words].join('_')
}

function pathParameters(route: Route): unknown[] {
  return ['account_id', ...namesIn(route.path)].map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function queryParameters(route: Route): unknown[] {
  if (route.query === undefined) return []
  const { properties = {} } = toSchema(route.query, 'input') as { properties?: Record<string, unknown> }
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }))
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

function asTexts(types: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }]))
}

function asJson(schema: unknown): Record<string, unknown> {
  return { 'application/json': { schema } }
}
