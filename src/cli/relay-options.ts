/** `--relay-…`: which of a server's questions reach the people who call it, as it is said on the command line, and told. */
import { type Command, Option } from 'commander'
import type { RelayInput } from '../contract/server.ts'
import type { Server } from './add-server.ts'
import { usageError } from './cli-error.ts'

type Switch = 'on' | 'off'

export interface RelayOptions {
  relayElicitation?: Switch
  relaySampling?: Switch
  relaySamplingMaxTokens?: string
  relayRoots?: Switch
  relayAnswerTime?: string
}

export function withRelayOptions(command: Command): Command {
  const toggle = (flag: string, what: string) =>
    new Option(`${flag} <on|off>`, what).choices(['on', 'off'] satisfies Switch[])
  return command
    .addOption(toggle('--relay-elicitation', 'whether it may ask people, by forms and pages'))
    .addOption(toggle('--relay-sampling', "whether it may ask their clients' models, at their cost"))
    .option('--relay-sampling-max-tokens <number>', 'the most tokens that one such answer may have')
    .addOption(toggle('--relay-roots', 'whether it may ask in which folders they work'))
    .option('--relay-answer-time <seconds>', 'how long whoever is asked has to answer')
}

/** @returns what is sent to the portal, which checks it; nothing where nothing was said */
export function describeRelay(options: RelayOptions): { relay?: RelayInput } {
  const { relayElicitation, relaySampling, relaySamplingMaxTokens: tokens, relayRoots, relayAnswerTime } = options
  if (tokens !== undefined && !/^\d{1,6}$/.test(tokens))
    throw usageError('--relay-sampling-max-tokens takes a whole number of tokens.')
  if (relayAnswerTime !== undefined && !/^\d{1,6}$/.test(relayAnswerTime))
    throw usageError('--relay-answer-time takes a whole number of seconds.')
  const relay = {
    ...(relayElicitation === undefined ? {} : { elicitation: relayElicitation === 'on' }),
    ...(relaySampling === undefined ? {} : { sampling: relaySampling === 'on' }),
    ...(tokens === undefined ? {} : { sampling_max_tokens: Number(tokens) }),
    ...(relayRoots === undefined ? {} : { roots: relayRoots === 'on' }),
    ...(relayAnswerTime === undefined ? {} : { answer_time: Number(relayAnswerTime) }),
  }
  return Object.keys(relay).length === 0 ? {} : { relay }
}

export function relayLine(server: Server): string {
  const { relay } = server
  const where = isEachAlone(server) ? '' : ' where one person is alone on the connection'
  const asks = [
    ...(relay.elicitation ? ['people'] : []),
    ...(relay.sampling ? [`their models (${relay.sampling_max_tokens} tokens an answer)`] : []),
    ...(relay.roots ? [`for their folders${where}`] : []),
  ]
  if (asks.length === 0) return 'nothing'
  const { answer_time: seconds } = relay
  return `${asks.join(', ')}; ${seconds} second${seconds === 1 ? '' : 's'} for an answer`
}

/** Accounts of their own, and servers of 2026, also keep people apart; neither stands in what a server is. */
export function isEachAlone({ isolation }: Server): boolean {
  return isolation === 'per_user' || isolation === 'per_session'
}
