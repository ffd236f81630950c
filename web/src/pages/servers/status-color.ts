/** The colour of each state of a server; words say the same. */
export const STATUS_COLOR = { ready: 'green', waiting: 'gray', stale: 'yellow', error: 'red' } as const
