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
  confirm: { sure: 'This cannot be undone.' },
} as const
