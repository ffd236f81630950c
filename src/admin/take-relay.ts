/** Which questions of a server reach people, as it is sent and as it is shown. */
import type { RelayInput, RelayShown } from '../contract/server.ts'
import { DEFAULT_RELAY, type Relay } from '../upstream/model.ts'

/**
 * What is left out stays, also of single members: nothing is opened by not being named.
 *
 * @param sent null: as for all servers again
 */
export function takeRelay(before: Relay, sent: RelayInput | null | undefined): Relay {
  if (sent === null) return DEFAULT_RELAY
  return {
    elicitation: sent?.elicitation ?? before.elicitation,
    sampling: sent?.sampling ?? before.sampling,
    samplingMaxTokens: sent?.sampling_max_tokens ?? before.samplingMaxTokens,
    roots: sent?.roots ?? before.roots,
    answerSeconds: sent?.answer_time ?? before.answerSeconds,
  }
}

/** With all members, whether an admin said anything or not. */
export function showRelay({ elicitation, sampling, samplingMaxTokens, roots, answerSeconds }: Relay): RelayShown {
  return { elicitation, sampling, sampling_max_tokens: samplingMaxTokens, roots, answer_time: answerSeconds }
}
