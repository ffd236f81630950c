/** What is said of a server's credential: the account, the client behind it, the token. */
export const ACCOUNT = {
  title: {
    none: 'Not authenticated yet',
    ready: 'Authenticated',
    stale: 'Authenticate again',
  },
  says: {
    none: 'The portal needs an account there. Sign in with the one that everybody’s calls are to carry; you come back here, and its tools are listed.',
    stale: 'Calls that need this account fail until somebody signs in with it again.',
    own: 'In portals where people connect accounts of their own, this one only lists the tools that they see before that.',
  },
  as: (account: string) => `as ${account}`,
  at: (issuer: string) => `at ${issuer}`,
  authenticate: 'Authenticate',
  again: 'Authenticate again',
  goOn: 'Go on all the same',
  forOther: 'Make a link for somebody else',
  forOtherSays:
    'Whoever has the account opens it, signs in and says yes. It works once, and is a secret: it gives the portal an account.',
  link: 'The link',
  linkUntil: 'It works until',
  byHand: 'Some places take no clients by themselves:',
  write: 'Write down a client that you registered there.',
  more: 'Ask for more rights',
  moreSays: 'Scopes between spaces, beside those that are asked for anyway.',
  disconnect: {
    button: 'Disconnect',
    title: 'Disconnect this account?',
    says: 'Calls that carry it fail at once, and its tokens are revoked there as far as it goes. Somebody can authenticate again.',
    done: 'The account is disconnected.',
  },
  /** After the way there and back. */
  syncing: 'Authenticated. Its tools, prompts and resources are being listed …',
  synced: (tools: number, prompts: number) => `Authenticated, and synced: ${tools} tools and ${prompts} prompts.`,
  notYet:
    'It was not authenticated: the way there was not gone to its end. Nothing was changed; authenticate to begin anew.',
} as const

export const CREDENTIALS = {
  none: 'No credential is sent: this server lets in whoever comes. Where it wants one by now, delete it here and add it anew by its URL.',
  own: 'The portal gets this account by itself, when it first needs it and again before it ends. Nobody connects it; “Sync now” tries it.',
  enterprise:
    'Each person has an account there by the word of their company’s sign-in. Nobody connects one by hand; their next call tries it.',
  bearer: {
    title: 'Token or headers',
    stored: 'One is stored, encrypted, and sent with every call that carries the shared credential. It is never shown.',
    says: 'A new one takes its place at once, and is tried by a sync. To have none, delete the server and add it without.',
    save: 'Replace it',
    saved: 'The new one is stored.',
  },
  environment: {
    title: 'Environment of the program',
    says: 'What is set is stored encrypted and never shown. What you give here takes the place of all of it, and the program is started anew.',
    lines: { label: 'Environment', says: 'NAME=value, one a line.' },
    remove: { label: 'Remove all that is set' },
    save: 'Replace it',
    saved: 'The new environment is stored.',
  },
  people: {
    title: 'Connected accounts',
    says: 'The shared one, and those that people connected for themselves.',
    none: 'Nobody has connected one yet.',
    shared: 'For everybody',
    machine: 'The portal’s own',
    unnamed: 'an account without a name',
    states: { ready: 'Works', needs_reauth: 'Over', error: 'Not renewed now' },
    end: {
      button: 'End',
      title: 'End this connection?',
      says: 'Calls that carry it fail at once, and its tokens are revoked there as far as it goes. It can be connected again.',
      done: 'The connection is ended.',
    },
  },
} as const

export const CLIENT = {
  title: 'The portal as a client there',
  says: 'As whom the portal is known at the authorization server of this server.',
  mode: { label: 'How it is known' },
  modes: {
    dcr: 'By itself: it finds the place out and registers',
    manual: 'By hand: I registered it there, and people sign in',
    client_credentials: 'By hand, as itself: no person signs in',
    enterprise: 'By hand, and each person by the company’s sign-in',
  },
  callback: 'Register this redirect URI there, letter by letter',
  document: 'The document that it is known by, where its authorization server reads such',
  id: { label: 'Client ID', says: 'As it was given there.' },
  method: { label: 'How it proves itself' },
  methods: {
    none: 'Not at all: a public client, with PKCE',
    client_secret_basic: 'By a secret in the header',
    client_secret_post: 'By a secret in the form',
    private_key_jwt: 'By a key that never leaves the portal',
  },
  secret: { label: 'Client secret', says: 'It is stored encrypted and never shown again.' },
  key: { label: 'Private key', says: 'PKCS #8 in PEM. It is stored encrypted and never shown again.' },
  kept: (version: number) =>
    `One is stored (number ${version}) and never shown. Empty: it stays. A new one takes its place; another place or client ID forgets it.`,
  algorithm: { label: 'Signed with', says: 'Only where the key leaves a choice.' },
  algorithmAny: 'What the key is for',
  keyId: { label: 'Key ID', says: 'Where it was registered under one.' },
  issuer: { label: 'Issuer', says: 'Answers are compared with it.' },
  authorization: { label: 'Authorization endpoint', says: 'Where people sign in.' },
  token: { label: 'Token endpoint', says: 'Where codes and secrets go.' },
  revocation: { label: 'Revocation endpoint', says: 'Where tokens are ended; may be empty.' },
  resource: { label: 'Resource', says: 'What tokens are made out to; empty: the URL of the server.' },
  scope: { label: 'Scopes', says: 'Between spaces; empty: whatever is given there without asking.' },
  provider: { label: 'Identity provider', says: 'Whose word counts.' },
  providerAny: 'The one that each signed in with',
  shared: {
    label: 'Come back to the one address for all servers',
    says: 'Only where it takes no address with the server’s id.',
  },
  ends: 'A change of the client ID, the issuer, the endpoints or the resource ends every account that is connected here.',
  save: 'Save the client',
  saved: 'The client is stored.',
} as const
