/**
 * Entra leaves the groups out of a token where there are many, and names an address where they are. That address is the token's word and
 * is not followed: the Graph is asked at the address of the settings, or the groups stay unknown.
 */
import { namesIn } from './facts.ts'
import type { Net } from './net.ts'
import type { ProviderSettings } from './settings.ts'

/**
 * Microsoft Graph, directoryObject: getMemberObjects.
 *
 * @returns null where the Graph does not say, which the token's scopes may be the reason for
 */
export async function groupsFromGraph(
  { apiUrl }: ProviderSettings,
  { send }: Net,
  accessToken: string,
): Promise<readonly string[] | null> {
  if (apiUrl === null) return null
  try {
    const response = await send(`${apiUrl}/v1.0/me/getMemberObjects`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${accessToken}`,
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: JSON.stringify({ securityEnabledOnly: false }),
    })
    if (response.status !== 200) return null
    const { value, '@odata.nextLink': more } = (await response.json()) as Record<string, unknown>
    // A first page is not all of them.
    return more === undefined && Array.isArray(value) ? namesIn(value) : null
  } catch {
    // Not known is an answer that the policies can bear; a person who may enter is not kept out by a slow Graph.
    return null
  }
}
