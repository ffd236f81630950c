/** Words that stand on several pages. */
export const COMMON = {
  add: 'Add',
  save: 'Save',
  cancel: 'Cancel',
  close: 'Close',
  remove: 'Delete',
  revoke: 'Revoke',
  again: 'Try again',
  copy: 'Copy',
  copied: 'Copied',
  loading: 'Loading',
  never: 'never',
  none: 'none',
  search: 'Search',
  fromFile: 'Managed by the config file',
  fromFileSays: (file: string | null) =>
    `This is declared in ${file ?? 'the configuration file'}. It can be changed there, and nowhere else.`,
  mayNot: (right: string) => `Your role may look at this and not change it (it lacks ${right}).`,
  nothingMatches: 'Nothing matches.',
  count: (shown: number, total: number) => (shown === total ? `${total}` : `${shown} of ${total}`),
  backTo: (label: string) => `Back to the list: ${label}`,
  gone: { title: 'Not there any more', says: 'Somebody deleted it meanwhile, or the link is of another portal.' },
  once: { title: 'Shown once', kept: 'I have kept it' },
  elsewhere: {
    title: 'This was changed elsewhere meanwhile',
    says: 'What you typed is still here, and not saved. Choose how to go on.',
    there: (names: string) => `Changed elsewhere: ${names}.`,
    both: (names: string) => `You changed it too, and yours would take its place: ${names}.`,
    keep: 'Keep what I typed',
    drop: 'Show what is there now',
  },
  confirm: { sure: 'This cannot be undone.' },
} as const

/** What an admin says that a tool does, as it stands beside a box. */
export const LABEL_WORDS = {
  reads_private: 'Reads private data',
  reads_untrusted: 'Reads untrusted text',
  sends_out: 'Sends data out',
} as const
