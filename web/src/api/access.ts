/** Why somebody may or may not do something, as the REST API explains it; and whom and what can be asked about. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { AccessOverview, ToolOverlooked } from '../../../src/contract/access-overview.ts'
import type { ExplanationAsk, ExplanationShown } from '../../../src/contract/policy-explanation.ts'
import type { PortalShown } from '../../../src/contract/portal.ts'
import type { ServiceTokenShown } from '../../../src/contract/tokens.ts'
import type { UserShown } from '../../../src/contract/user.ts'
import type { Asked } from '../rules/asked.ts'
import { ask, part } from './ask.ts'
import { PORTALS } from './policies.ts'

const EXPLANATIONS = '/access/policy-explanations'

/** As the API takes it: the shapes of the contract are closed over branded ids, and these are texts of an address. */
type AskBody = Omit<ExplanationAsk, 'policies' | 'arguments' | 'portal'> & {
  portal?: string
  arguments?: unknown
  policies?: readonly unknown[]
}

function bodyOf(asked: Asked, policies?: readonly unknown[]): AskBody {
  const { user, service_token, anonymous, portal, server, name, args, ip } = asked
  const who = user !== '' ? { user } : service_token !== '' ? { service_token } : anonymous ? { anonymous } : {}
  return {
    ...(who as Pick<AskBody, 'user' | 'service_token' | 'anonymous'>),
    ...(portal === '' ? {} : { portal }),
    ...(server === '' ? {} : { server }),
    ...(name === '' ? {} : { capability: name }),
    ...(ip === '' ? {} : { ip }),
    // What is no JSON is sent as it is: the server says what is wrong with it.
    ...(args.trim() === '' ? {} : { arguments: jsonOr(args) }),
    ...(policies === undefined ? {} : { policies }),
  }
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** @param policies as they would be, where a change that is not saved is asked about */
export const explanationQuery = (asked: Asked, policies?: readonly unknown[]) =>
  queryOptions({
    queryKey: ['explanations', asked, policies ?? null],
    queryFn: async ({ signal }) => {
      if (asked.deed !== '' && policies === undefined) {
        return (await ask<ExplanationShown>('GET', EXPLANATIONS, { signal, query: { deed: asked.deed } })).result
      }
      return (await ask<ExplanationShown>('POST', EXPLANATIONS, { signal, body: bodyOf(asked, policies) })).result
    },
    staleTime: 0,
    placeholderData: () => undefined,
  })

const PAGE = 1000

/** Every tool of a portal with its verdict for one caller. It comes in pages, and a list that lacked some would look like one that has all. */
export const overviewQuery = (asked: Asked, portal: string) => {
  const { user, service_token, anonymous, ip } = asked
  const who = user !== '' ? { user } : service_token !== '' ? { service_token } : { anonymous }
  return queryOptions({
    queryKey: ['explanations', 'overview', portal, who, ip],
    queryFn: async ({ signal }) => {
      const tools: ToolOverlooked[] = []
      for (let page = 1; ; page += 1) {
        const query = { ...who, ...(ip === '' ? {} : { ip }), page, per_page: PAGE }
        const path = `${PORTALS}/${part(portal)}/access`
        const { result } = await ask<AccessOverview>('GET', path, { signal, query })
        tools.push(...result.tools)
        if (result.tools.length < PAGE) return { ...result, tools }
      }
    },
    staleTime: 0,
    placeholderData: () => undefined,
  })
}

const MOST_CHOICES = 20

/** People whose name or address holds a text; there may be very many, so the server looks. */
export const peopleLike = (search: string) =>
  queryOptions({
    queryKey: ['users', '', 'like', search],
    queryFn: async ({ signal }) =>
      (await ask<UserShown[]>('GET', '/access/users', { signal, query: { search, per_page: MOST_CHOICES } })).result,
    placeholderData: keepPreviousData,
  })

export const tokensLike = (search: string) =>
  queryOptions({
    queryKey: ['service_tokens', '', 'like', search],
    queryFn: async ({ signal }) =>
      (
        await ask<ServiceTokenShown[]>('GET', '/access/service_tokens', {
          signal,
          query: { search, per_page: MOST_CHOICES },
        })
      ).result,
    placeholderData: keepPreviousData,
  })

/** With the names of its tools and prompts. */
export const askedPortalQuery = (id: string) =>
  queryOptions({
    queryKey: ['portals', '', 'asked', id],
    queryFn: async ({ signal }) =>
      (await ask<PortalShown>('GET', `${PORTALS}/${part(id)}`, { signal, query: { detail: 'brief' } })).result,
    structuralSharing: false,
    placeholderData: () => undefined,
  })
