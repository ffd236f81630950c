/** Which questions of a server reach callers, at rest: nothing is stored where an admin said nothing else than holds for all. */
import { fromJson } from '../store/columns.ts'
import { DEFAULT_RELAY, type Relay } from './model.ts'

export function relayText(relay: Relay = DEFAULT_RELAY): string | null {
  const { elicitation, sampling, samplingMaxTokens, roots, answerSeconds } = relay
  const text = JSON.stringify({ elicitation, sampling, samplingMaxTokens, roots, answerSeconds })
  return text === JSON.stringify(DEFAULT_RELAY) ? null : text
}

/** A member that an older program did not know is as for all servers. */
export function readRelay(text: string | null): Relay {
  return text === null ? DEFAULT_RELAY : { ...DEFAULT_RELAY, ...fromJson<Partial<Relay>>(text) }
}
