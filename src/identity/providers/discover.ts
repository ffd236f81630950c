/**
 * Finds out what a provider has: by its issuer (OpenID Connect Discovery 1.0), or from endpoints that were written down. Whatever is
 * learned, the issuer is settled here: a document that calls itself something else than where it was found proves nothing.
 */
import { z } from 'zod'
import { fetchJson } from '../../base/safe-fetch.ts'
import type { Net } from './net.ts'
import { ProviderProblem } from './problem.ts'
import type { ExplicitEndpoints, ProviderSettings } from './settings.ts'

const document = z.object({
  issuer: z.url(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  jwks_uri: z.url(),
  userinfo_endpoint: z.url().optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional(),
  id_token_signing_alg_values_supported: z.array(z.string()).optional(),
  code_challenge_methods_supported: z.array(z.string()).optional(),
  scopes_supported: z.array(z.string()).optional(),
})
export type ProviderMetadata = z.infer<typeof document>

const DEEPEST = 6

/** @throws ProviderProblem `provider-unreachable`; Fault */
export async function discover({ issuer, endpoints }: ProviderSettings, net: Net): Promise<ProviderMetadata> {
  if (endpoints !== null) return metadataOf(endpoints, issuer ?? (await issuerBeside(endpoints, net)))
  if (issuer === null) throw new ProviderProblem('provider-unreachable', 'neither an issuer nor its endpoints are set')
  return readDocument(issuer, net)
}

/** Section 4.3: the issuer in the document is exactly the one that it was asked of. A slash at the end is often left out by people. */
async function readDocument(issuer: string, { read }: Net): Promise<ProviderMetadata> {
  const base = issuer.replace(/\/+$/, '')
  const parsed = document.safeParse(await fetchJson(read, `${base}/.well-known/openid-configuration`))
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new ProviderProblem('provider-unreachable', `the discovery document lacks a good "${at}"`)
  }
  if (parsed.data.issuer !== base && parsed.data.issuer !== `${base}/`) {
    throw new ProviderProblem(
      'provider-unreachable',
      'the discovery document is of another issuer than the one that is set',
    )
  }
  return parsed.data
}

/**
 * Who wrote down three endpoints alone, as Cloudflare's API has it, did not say whose they are. It is the issuer at or above the
 * authorization endpoint whose own document names these very endpoints; taking a token's word for it would let one provider speak with
 * another's name.
 */
async function issuerBeside(endpoints: ExplicitEndpoints, net: Net): Promise<string> {
  const url = new URL(endpoints.authorization)
  const parts = url.pathname.split('/').filter((part) => part !== '')
  for (let depth = Math.min(parts.length - 1, DEEPEST); depth >= 0; depth--) {
    const candidate = [url.origin, ...parts.slice(0, depth)].join('/')
    const found = await readDocument(candidate, net).catch(() => null)
    if (found !== null && hasEndpoints(found, endpoints)) return found.issuer
  }
  throw new ProviderProblem('provider-unreachable', 'no issuer is found for these endpoints; set "issuer"')
}

function hasEndpoints(found: ProviderMetadata, { authorization, token, keys }: ExplicitEndpoints): boolean {
  return found.authorization_endpoint === authorization && found.token_endpoint === token && found.jwks_uri === keys
}

function metadataOf({ authorization, token, keys, userinfo }: ExplicitEndpoints, issuer: string): ProviderMetadata {
  return {
    issuer,
    authorization_endpoint: authorization,
    token_endpoint: token,
    jwks_uri: keys,
    ...(userinfo === null ? {} : { userinfo_endpoint: userinfo }),
  }
}
