/** What the page about approvals says. */
export const APPROVALS = {
  find: 'Find by person, tool or server',
  state: 'State',
  all: 'All',
  states: {
    open: 'Waiting',
    approved: 'Approved',
    rejected: 'Turned down',
    used: 'Approved, and made',
    expired: 'Over',
  },
  columns: {
    state: 'State',
    who: 'Asked by',
    what: 'What',
    server: 'Server',
    agreed: 'Agreed',
    asked: 'Asked',
    until: 'Until',
  },
  none: {
    title: 'Nothing waits for a decision',
    says: 'Where a policy wants approval, calls stop here until the people whom it names agree. Such a policy has the setting “approval required”.',
  },
  agreed: (given: number, needed: number) => `${given} of ${needed}`,
  gone: 'There is no such request any more: requests are kept for thirty days.',
  one: {
    title: 'Request for approval',
    who: 'Asked by',
    bot: 'service token',
    portal: 'Portal',
    client: 'Client, as it calls itself',
    server: 'Server',
    kinds: { tool: 'Tool', prompt: 'Prompt', resource: 'Resource', template: 'Resource' } as Readonly<
      Record<string, string>
    >,
    what: 'What',
    purposes: 'What for, in their own words',
    policy: 'Policy',
    policyGone: 'one that is gone',
    agree: 'Must agree',
    need: (given: number, needed: number, of: string) => `${given} of ${needed} so far, of ${of}`,
    asked: 'Asked',
    until: 'Can be decided until',
    decided: 'Decided',
    decisions: 'What they said',
    decision: (by: string, word: 'approve' | 'reject', reason: string | null) =>
      `${by} ${word === 'approve' ? 'agreed' : 'turned it down'}${reason === null ? '' : `: “${reason}”`}`,
    sent: 'Called with',
    hidden:
      'What it is called with is shown to whoever asked and to the people whom the policy names, and to nobody else.',
    sealed: 'What was asked for cannot be read with the keys of this portal, so nobody can decide about it.',
    standing: {
      approver: 'You may decide. Read what will be done: if you approve, this very call is made once, and no other.',
      agreed: 'You agreed. Others still have to.',
      requester: 'You asked for it yourself, so others have to agree.',
      nobody: 'The policy does not name you, so you cannot decide. Ask one of the people below.',
    },
    approve: {
      title: 'Approve this call?',
      deed: 'Approve',
      says: (what: string, who: string) =>
        `${what} is called once for ${who}, exactly as you have read it. Your word stands in the log.`,
      why: { label: 'Why? (optional)', says: 'It is kept in the log, with your name, and shown with the request.' },
      done: 'You agreed.',
    },
    reject: {
      title: 'Turn this call down?',
      deed: 'Turn down',
      says: (what: string, who: string) => `${who} is told, and ${what} is not called. They may ask again.`,
      why: { label: 'Why? (optional)', says: 'Whoever asked is told it. It is kept in the log, with your name.' },
      done: 'You turned it down.',
    },
  },
} as const
