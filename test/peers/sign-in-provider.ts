/** What both SDKs want of a program that signs in through them: a place in memory for what they learn, and somebody who opens links. */
import type { Links, SignInPlan } from './sign-in-plan.ts'

export interface KeptTokens {
  access_token: string
  token_type: string
  refresh_token?: string | undefined
}

interface KeptClient {
  client_id: string
  client_secret?: string | undefined
}

/** @param links gets each link that the SDK asks to have opened */
export function providerInMemory<Tokens extends KeptTokens, Client extends KeptClient, Discovery>(
  plan: SignInPlan,
  links: Links,
) {
  const { redirect, document } = plan
  if (redirect === undefined) throw new Error('an SDK needs a redirect of its own')
  let client: Client | undefined
  let tokens: Tokens | undefined
  let discovery: Discovery | undefined
  let verifier = ''
  return {
    redirectUrl: redirect.uri,
    ...(document === undefined ? {} : { clientMetadataUrl: document }),
    clientMetadata: {
      client_name: 'Peer of a journey',
      redirect_uris: [redirect.registered],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => client,
    saveClientInformation: (information: Client) => {
      client = information
    },
    tokens: () => tokens,
    saveTokens: (fresh: Tokens) => {
      tokens = fresh
    },
    redirectToAuthorization: (url: URL) => links.add(url.href),
    saveCodeVerifier: (text: string) => {
      verifier = text
    },
    codeVerifier: () => verifier,
    saveDiscoveryState: (state: Discovery) => {
      discovery = state
    },
    discoveryState: () => discovery,
    invalidateCredentials: (scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery') => {
      if (scope === 'all' || scope === 'client') client = undefined
      if (scope === 'all' || scope === 'tokens') tokens = undefined
      if (scope === 'all' || scope === 'discovery') discovery = undefined
    },
    ...(plan.withoutResource === true ? { validateResourceURL: async () => undefined } : {}),
  }
}
