/** Ids proposed from names, to save typing; the server checks what comes. */

const LONGEST = 32

/** @returns for `Health Ledger!` `health-ledger`; empty where nothing of the name can stand in an id */
export function suggestedId(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, LONGEST)
    .replace(/[-_]+$/, '')
}

/**
 * The id of a server begins the names of all its tools, so it is short: without an owner before it, and without what every server is.
 *
 * @returns for `acme/github-mcp-server` `github`
 */
export function suggestedServerId(name: string): string {
  const whole = suggestedId(name.split('/').findLast((part) => part.trim() !== '') ?? name)
  const words = whole.split('-').filter((word) => word !== 'mcp' && word !== 'server')
  return words.join('-') || whole
}
