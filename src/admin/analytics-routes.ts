/** The part of the table that is about figures: counts of calls, and what the console's first page shows. */
import { callSeriesQuery, callSeriesShown } from '../contract/analytics.ts'
import { overviewQuery, overviewShown } from '../contract/overview.ts'
import { allCallSeries, portalCallSeries, serverCallSeries } from './analytics.ts'
import { showOverview } from './overview.ts'
import { type Route, route } from './route.ts'

const PATH = '/access/ai-controls/mcp/analytics'
const series = { right: 'logs:read', query: callSeriesQuery, result: callSeriesShown } as const

export const ANALYTICS_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: `${PATH}/tool-calls/timeseries`,
    ...series,
    summary: 'Count tool calls by day or month',
    handler: allCallSeries,
  }),
  route({
    method: 'GET',
    path: `${PATH}/servers/{server_id}/tool-calls/timeseries`,
    ...series,
    summary: 'Count tool calls at one server by day or month',
    handler: serverCallSeries,
  }),
  route({
    method: 'GET',
    path: `${PATH}/portals/{portal_id}/tool-calls/timeseries`,
    ...series,
    summary: 'Count tool calls at one portal by day or month',
    handler: portalCallSeries,
  }),
  route({
    method: 'GET',
    path: '/access/ai-controls/mcp/overview',
    right: 'logs:read',
    also: ['servers:read', 'policies:read', 'approvals:read', 'service_tokens:read', 'api_tokens:read'],
    summary: 'Show traffic, health, what waits for somebody and what is still to set up',
    query: overviewQuery,
    result: overviewShown,
    handler: showOverview,
  }),
]
