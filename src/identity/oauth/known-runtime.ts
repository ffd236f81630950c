/**
 * Imported before oidc-provider, for its effect: where Node does not call its own line a long-term one, the library would warn on every start that it
 * does not know the runtime. We know it; our tests run on it.
 */
if (process.release.lts === undefined) {
  Object.defineProperty(process.release, 'lts', { value: 'Node', configurable: true })
}
