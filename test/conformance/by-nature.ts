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
  scenarios: ['tasks-required-task-error'],
  where: 'a server of 2025 behind the portal',
  because:
    'The suite wants -32021 from a tool that cannot do without the tasks extension. The extension is declared in the `_meta` of a request of 2026-07-28, and a server of 2025 knows neither it nor the code: its tool answers `isError`.',
}

export const BARE_NAME: ByNature = {
  scenarios: ['json-schema-2020-12'],
  where: 'a portal with several servers',
  because:
    'The suite looks for a tool in the list by its bare name. Behind a portal tools bear the name of their server, as 2026-07-28 asks of those who aggregate (server/tools, Tool Names). By the URL of the one server it passes.',
}
