/** The table of pages: path, and the file that is loaded when somebody goes there. */
import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { Broken, Lost } from './shell/lost.tsx'
import { Shell } from './shell/shell.tsx'

/** What stands behind the `?`: texts alone, as a person would write them. */
export type Search = Readonly<Record<string, string | undefined>>

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Shell,
  notFoundComponent: Lost,
  errorComponent: Broken,
  validateSearch: (search: Record<string, unknown>): Search =>
    // What a page takes away comes here as undefined, and must not become the word.
    Object.fromEntries(
      Object.entries(search).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
    ),
})

const at = <Path extends string>(path: Path, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => root, path, component })

const tree = root.addChildren([
  at(
    '/',
    lazyRouteComponent(() => import('./pages/overview/overview.tsx'), 'Overview'),
  ),
  at(
    '/servers',
    lazyRouteComponent(() => import('./pages/servers/list.tsx'), 'ServerList'),
  ),
  at(
    '/servers/new',
    lazyRouteComponent(() => import('./pages/servers/new.tsx'), 'ServerNew'),
  ),
  at(
    '/servers/$id',
    lazyRouteComponent(() => import('./pages/servers/one.tsx'), 'ServerOne'),
  ),
  at(
    '/portals',
    lazyRouteComponent(() => import('./pages/portals/list.tsx'), 'PortalList'),
  ),
  at(
    '/portals/new',
    lazyRouteComponent(() => import('./pages/portals/new.tsx'), 'PortalNew'),
  ),
  at(
    '/portals/$id',
    lazyRouteComponent(() => import('./pages/portals/one.tsx'), 'PortalOne'),
  ),
  at(
    '/policies',
    lazyRouteComponent(() => import('./pages/policies/list.tsx'), 'PolicyList'),
  ),
  at(
    '/policies/$id',
    lazyRouteComponent(() => import('./pages/policies/one.tsx'), 'PolicyOne'),
  ),
  at(
    '/apps/$app/policies/$id',
    lazyRouteComponent(() => import('./pages/policies/own.tsx'), 'OwnPolicy'),
  ),
  at(
    '/groups/$id',
    lazyRouteComponent(() => import('./pages/policies/group.tsx'), 'GroupOne'),
  ),
  at(
    '/lists/$id',
    lazyRouteComponent(() => import('./pages/policies/value-list.tsx'), 'ValueList'),
  ),
  at(
    '/access',
    lazyRouteComponent(() => import('./pages/access/explorer.tsx'), 'AccessExplorer'),
  ),
  at(
    '/people',
    lazyRouteComponent(() => import('./pages/people/list.tsx'), 'PeopleList'),
  ),
  at(
    '/people/$id',
    lazyRouteComponent(() => import('./pages/people/one.tsx'), 'PersonOne'),
  ),
  at(
    '/clients',
    lazyRouteComponent(() => import('./pages/clients/list.tsx'), 'ClientList'),
  ),
  at(
    '/approvals',
    lazyRouteComponent(() => import('./pages/approvals/list.tsx'), 'ApprovalList'),
  ),
  at(
    '/logs',
    lazyRouteComponent(() => import('./pages/logs/logs.tsx'), 'Logs'),
  ),
  at(
    '/settings',
    lazyRouteComponent(() => import('./pages/settings/settings.tsx'), 'Settings'),
  ),
  at(
    '/settings/$section',
    lazyRouteComponent(() => import('./pages/settings/settings.tsx'), 'Settings'),
  ),
])

export function openRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    basepath: '/admin',
    context: { queries },
    defaultPreload: 'intent',
    scrollRestoration: true,
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '')
      const text = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')
      return text === '' ? '' : `?${text}`
    },
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof openRouter>
  }
}
