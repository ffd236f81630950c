/** The part of the table that is about webhooks. */
import { z } from 'zod'
import { pageInfoSchema, pageQuery } from '../contract/envelope.ts'
import * as webhooks from '../contract/webhook.ts'
import { type Route, route } from './route.ts'
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  listDeliveries,
  listWebhooks,
  rotateWebhook,
  testWebhook,
  updateWebhook,
} from './webhooks.ts'

const PATH = '/webhooks'
const paged = { query: pageQuery, info: pageInfoSchema }

export const WEBHOOK_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: PATH,
    right: 'webhooks:read',
    summary: 'List webhooks',
    ...paged,
    result: z.array(webhooks.webhookShown),
    handler: listWebhooks,
  }),
  route({
    method: 'POST',
    path: PATH,
    right: 'webhooks:write',
    summary: 'Create a webhook',
    body: webhooks.webhookCreate,
    result: webhooks.webhookWithSecret,
    handler: createWebhook,
  }),
  route({
    method: 'GET',
    path: `${PATH}/{id}`,
    right: 'webhooks:read',
    summary: 'Read a webhook',
    result: webhooks.webhookShown,
    handler: getWebhook,
  }),
  route({
    method: 'PUT',
    path: `${PATH}/{id}`,
    right: 'webhooks:write',
    summary: 'Change a webhook',
    body: webhooks.webhookUpdate,
    result: webhooks.webhookShown,
    handler: updateWebhook,
  }),
  route({
    method: 'DELETE',
    path: `${PATH}/{id}`,
    right: 'webhooks:write',
    summary: 'Delete a webhook, and what waits for it',
    result: webhooks.webhookDeleted,
    handler: deleteWebhook,
  }),
  route({
    method: 'POST',
    path: `${PATH}/{id}/rotate`,
    right: 'webhooks:write',
    summary: 'Give a webhook a new secret; the old one signs beside it for a day',
    result: webhooks.webhookWithSecret,
    handler: rotateWebhook,
  }),
  route({
    method: 'POST',
    path: `${PATH}/{id}/test`,
    right: 'webhooks:write',
    summary: 'Send a webhook.test now, once, and say what became of it',
    result: webhooks.deliveryShown,
    handler: testWebhook,
  }),
  route({
    method: 'GET',
    path: `${PATH}/{id}/deliveries`,
    right: 'webhooks:read',
    summary: 'List what was sent to a webhook, or waits for it, the newest first',
    ...paged,
    result: z.array(webhooks.deliveryShown),
    handler: listDeliveries,
  }),
]
