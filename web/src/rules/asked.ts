/** A question about access, as it stands in the address of the page. */

export interface Asked {
  user: string
  service_token: string
  anonymous: boolean
  portal: string
  server: string
  name: string
  /** JSON, as it is typed. */
  args: string
  ip: string
  /** A deed of the audit, instead of all the others. */
  deed: string
}

type Search = Readonly<Record<string, string | undefined>>

export function openAsked(search: Search): Asked {
  const { user = '', service_token = '', portal = '', server = '', name = '', ip = '', deed = '' } = search
  return {
    ...{ user, service_token, portal, server, name, ip, deed },
    anonymous: search.anonymous === 'true',
    args: search.arguments ?? '',
  }
}

/** @returns the search of the page, without what is empty */
export function searchOf({ args, anonymous, ...texts }: Asked): Record<string, string> {
  const all = { ...texts, arguments: args, anonymous: anonymous ? 'true' : '' }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''))
}

/** Whether enough is said to be answered. */
export function isWhole({ user, service_token, anonymous, deed }: Asked): boolean {
  return deed !== '' || user !== '' || service_token !== '' || anonymous
}
