/** The colours of what becomes of a request for approval; the words beside them say the same. */
export const STATE_COLOR = {
  open: 'yellow',
  approved: 'green',
  used: 'green',
  rejected: 'red',
  expired: 'gray',
} as const
