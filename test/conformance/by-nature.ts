/**
 * Scenarios of the suite that a portal cannot pass in some cell by the nature of things, with what the specification says about it. Both
 * the journey and `docs/reference/fidelity.md` have them from here.
 */

export interface ByNature {
  scenarios: readonly string[]
  /** In which cells. */
  where: string
  /** What stands against it, and the clause. */
  because: string
}

export const KEYS_OF_2026: ByNature = {
  scenarios: ['input-required-result-basic-elicitation', 'input-required-result-ignore-extra-params'],
  where: 'a server of 2025 behind the portal',
  because:
    'The suite looks for the key under which its own server asks, and gives an answer before the question. A question of 2025-11-25 is a JSON-RPC request with an id and no key (client/elicitation), and a response answers a request that was sent (basic, Responses): the portal makes the key, and has nobody to hand an answer to that was not asked for.',
}

export const TASKS_OF_2025: ByNature = {
  scenarios: [
    ...['capability-negotiation', 'dispatch-and-envelope', 'lifecycle', 'mrtr-composition', 'mrtr-input'],
    ...['request-headers', 'request-state-removal', 'wire-fields', 'required-task-error'],
  ].map((name) => `tasks-${name}`),
  where: 'a server of 2025 behind the portal',
  because:
    'The suite wants tasks of the extension, or -32021 where they are not declared. The extension is declared in the `_meta` of a request of 2026-07-28 and its tasks are a kind of that revision’s results (`resultType`): a server of 2025 has neither.',
}

export const BARE_NAME: ByNature = {
  scenarios: ['json-schema-2020-12'],
  where: 'a portal with several servers',
  because:
    'The suite looks for a tool in the list by its bare name. Behind a portal tools bear the name of their server, as 2026-07-28 asks of those who aggregate (server/tools, Tool Names). By the URL of the one server it passes.',
}
