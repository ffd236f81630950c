/** What the frame of the console says. */
export const SHELL = {
  skip: 'Skip to the content',
  navigation: 'Console',
  open: 'Open the navigation',
  find: 'Find a page, a server, a portal …',
  findShort: 'Find',
  nothingFound: 'Nothing of that name.',
  colors: { title: 'Colours', auto: 'As the system', light: 'Light', dark: 'Dark' },
  account: (name: string) => `Signed in as ${name}`,
  role: { owner: 'Owner', admin: 'Admin', auditor: 'Auditor: reads, changes nothing' },
  home: 'Portal home',
  signOut: 'Sign out',
  zone: (zone: string) => `Times are shown in ${zone}`,
  signedOut: {
    title: 'You have been signed out',
    says: 'The session ended, or was ended. What you have not saved is still here behind this message; sign in in this tab to go on.',
    again: 'Sign in again',
  },
  noRole: {
    title: 'You have no role here',
    says: 'You are signed in, but an owner has not given you a role yet. Owners do that here, under Settings, Roles.',
    home: 'To the portal’s home',
  },
  lost: {
    title: 'There is no such page',
    says: 'The link may be of another version of the console.',
    home: 'To the overview',
  },
  broken: {
    title: 'This page broke',
    says: 'That is a bug. Loading it again may help; nothing that was saved is lost.',
    again: 'Load again',
  },
} as const

export const PAGES = {
  overview: { title: 'Overview', says: 'Health, traffic and what is still to set up' },
  servers: { title: 'Servers', says: 'The MCP servers behind the portal' },
  portals: { title: 'Portals', says: 'The endpoints that clients connect to' },
  policies: { title: 'Policies', says: 'Who may use what' },
  access: { title: 'Access explorer', says: 'May this person use this tool, and why?' },
  people: { title: 'People', says: 'Users, their sessions and clients' },
  clients: { title: 'Clients', says: 'Programs that people and bots use' },
  approvals: { title: 'Approvals', says: 'Calls that wait for a decision' },
  logs: { title: 'Logs', says: 'Everything that was asked, and what became of it' },
  settings: { title: 'Settings', says: 'Sign-in, organisation, keys, tokens' },
} as const
