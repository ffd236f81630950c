/**
 * Everything of the console that opens over a page, by the file that opens it, and where each is looked at with axe: in the journey that
 * has a state of that name, or by a way to it here, in a portal that `furnishBusy` has furnished. What is in no list fails a test.
 */

/** What opens something; `Deed`, `EndButton` and `TurnAll` are questions that several pages ask. */
export const OPENERS = [
  ...['Modal', 'Dialog', 'Drawer', 'Menu', 'Popover', 'HoverCard', 'Spotlight'],
  ...['Confirm', 'Deed', 'EndButton', 'TurnAll', 'PasswordLink'],
  ...['Select', 'MultiSelect', 'TagsInput', 'Autocomplete'],
] as const

/** A page, and what is pressed there, one after the other, until something is open. */
export type Way = readonly [path: string, ...pressed: (string | RegExp)[]]

/** The parts that questions and dialogs are made of. */
export const MADE_OF = ['parts/dialog.tsx', 'parts/confirm.tsx', 'parts/deeds.tsx', 'pages/people/end-button.tsx']

/** Lists that open below a field are alike wherever they are: each kind is looked at once. */
export const LISTS: Readonly<Record<string, Way>> = {
  Select: ['/policies/new', 'Decision'],
  MultiSelect: ['/portals/new', 'Servers'],
  TagsInput: ['/policies/new', 'Narrow it to some tools', 'Servers', 'ledger', 'Names'],
  Autocomplete: ['/access', 'Person'],
}

/** The same question with other words, about what only a person with an account at a server has. */
const ALIKE = 'pages/people/holds.tsx'

export const DIALOGS: Readonly<Record<string, Readonly<Record<string, string | Way>>>> = {
  'shell/account-menu.tsx': { Menu: 'console-account' },
  'shell/signed-out.tsx': { Modal: 'console-signed-out' },
  'shell/palette.tsx': { Spotlight: ['/', /^Find/] },
  'pages/approvals/one.tsx': { Dialog: 'console-approval', Confirm: 'console-approval-sure' },
  'pages/clients/service-tokens.tsx': { Deed: ['/clients?tab=service', 'Nightly report', 'Rotate'] },
  'pages/clients/access-tokens.tsx': { Deed: ['/clients?tab=access', /ada@acme|–/, 'Revoke'] },
  'pages/clients/oauth-clients.tsx': { Deed: ['/clients', 'Desk', 'Delete'] },
  'pages/logs/logs.tsx': { Menu: ['/logs', 'Export'] },
  'pages/logs/deed.tsx': { Drawer: 'console-logs-deed' },
  'pages/logs/filters.tsx': { Popover: 'console-logs-filter' },
  'pages/people/list.tsx': { PasswordLink: 'console-people-let-in' },
  'pages/people/password-link.tsx': { Dialog: 'console-people-let-in' },
  'pages/people/one.tsx': { Confirm: 'console-person-revoke', PasswordLink: ['/people', /bob@/, /password/i] },
  'pages/people/holds.tsx': { EndButton: ['/people', /ada@/, /^End:/] },
  'pages/people/accounts.tsx': { EndButton: ALIKE },
  'pages/policies/policy-form.tsx': { Confirm: ['/policies', 'Contractors post nothing', 'Delete'] },
  'pages/policies/used-by.tsx': { Confirm: ['/policies', 'Contractors post nothing', /^Detach from/] },
  'pages/policies/group.tsx': { Confirm: ['/policies?tab=groups', 'Contractors', 'Delete'] },
  'pages/policies/value-list.tsx': { Confirm: ['/policies?tab=lists', 'Partners', 'Delete'] },
  'pages/portals/servers.tsx': { Confirm: ['/portals/default?tab=servers', 'Take out Ledger'] },
  'pages/portals/settings.tsx': { Confirm: ['/portals/research?tab=settings', 'Delete the portal'] },
  'pages/portals/tools.tsx': { Confirm: 'TurnAll', TurnAll: ['/portals/default?tab=tools', /^Turn off/] },
  'pages/portals/tool-form.tsx': { Dialog: 'console-portal-tool' },
  'pages/servers/account.tsx': { Deed: ALIKE },
  'pages/servers/credentials.tsx': { Deed: ALIKE },
  'pages/servers/edit-capability.tsx': { Dialog: 'console-server-tool' },
  'pages/servers/held.tsx': { Confirm: 'console-held-sure' },
  'pages/servers/server-overview.tsx': { Confirm: 'console-server-delete' },
  'pages/settings/api-tokens.tsx': { Deed: ['/settings/tokens', 'Pipeline', 'Revoke'] },
  'pages/settings/keys.tsx': { Deed: ['/settings/keys', 'Replace now'] },
  'pages/settings/providers.tsx': { Deed: ['/settings/providers', 'Acme account', 'Delete'] },
  'pages/settings/roles.tsx': { Deed: ['/settings/roles', /auditor@/, 'Take it away'] },
  'pages/settings/webhooks.tsx': { Deed: ['/settings/webhooks', 'Pager', 'Send a test'] },
}
