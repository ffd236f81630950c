/** The options that say whom a policy or a group covers. */
import type { Command } from 'commander'
import { visible, visibleJson } from '../base/visible.ts'
import type { CriterionInput } from '../contract/criteria.ts'
import { usageError } from './cli-error.ts'

export interface CriteriaOptions {
  everyone?: true
  email: string[]
  domain: string[]
  emailList: string[]
  group: string[]
  ip: string[]
  country: string[]
  serviceToken: string[]
  anyServiceToken?: true
  exceptEmail: string[]
  exceptDomain: string[]
  exceptGroup: string[]
  requireDomain: string[]
  requireGroup: string[]
  requireIp: string[]
}

/** `--what <value>`, the sentence of the help, and the criterion that a value becomes. */
type Row = readonly [flag: string, help: string]

const REPEATED: readonly Row[] = [
  ['--email <address>', 'covers this person'],
  ['--domain <domain>', 'covers people with addresses in this domain'],
  ['--email-list <id>', 'covers people whose address is in this list'],
  ['--group <id>', 'covers whom this group covers'],
  ['--ip <range>', 'covers requests from these addresses, such as 10.0.0.0/8'],
  ['--country <code>', 'covers requests from this country, such as PT'],
  ['--service-token <id>', 'covers this service token'],
  ['--except-email <address>', 'but not this person'],
  ['--except-domain <domain>', 'but not this domain'],
  ['--except-group <id>', 'but not this group'],
  ['--require-domain <domain>', 'and only in this domain'],
  ['--require-group <id>', 'and only in this group'],
  ['--require-ip <range>', 'and only from these addresses'],
]

export function addCriteriaOptions(command: Command): Command {
  command.option('--everyone', 'covers everyone who is signed in')
  for (const [flag, help] of REPEATED) command.option(flag, `${help}; may be given again`, collect, [])
  return command.option('--any-service-token', 'covers every valid service token')
}

export function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

interface Criteria {
  include: CriterionInput[]
  exclude: CriterionInput[]
  require: CriterionInput[]
}

const byEmail = (email: string): CriterionInput => ({ email: { email } })
const byDomain = (domain: string): CriterionInput => ({ email_domain: { domain } })
const byGroup = (id: string): CriterionInput => ({ group: { id } })
const byIp = (ip: string): CriterionInput => ({ ip: { ip } })

/** @throws CliError where nobody is covered */
export function criteriaOf(options: CriteriaOptions): Criteria {
  const include: CriterionInput[] = [
    ...(options.everyone === true ? [{ everyone: {} }] : []),
    ...options.email.map(byEmail),
    ...options.domain.map(byDomain),
    ...options.emailList.map((id) => ({ email_list: { id } })),
    ...options.group.map(byGroup),
    ...options.ip.map(byIp),
    ...options.country.map((code) => ({ geo: { country_code: code } })),
    ...options.serviceToken.map((id) => ({ service_token: { token_id: id } })),
    ...(options.anyServiceToken === true ? [{ any_valid_service_token: {} }] : []),
  ]
  if (include.length === 0) {
    throw usageError(
      'Say whom it covers: --everyone, --email, --domain, --email-list, --group, --ip, --country, --service-token or --any-service-token.',
    )
  }
  return {
    include,
    exclude: [
      ...options.exceptEmail.map(byEmail),
      ...options.exceptDomain.map(byDomain),
      ...options.exceptGroup.map(byGroup),
    ],
    require: [
      ...options.requireDomain.map(byDomain),
      ...options.requireGroup.map(byGroup),
      ...options.requireIp.map(byIp),
    ],
  }
}

type Shown = Readonly<Record<string, unknown>>

/** `{"email":{"email":"a@b"}}` as `email a@b`. */
export function shortly(criterion: Shown): string {
  const [selector = '', argument] = Object.entries(criterion)[0] ?? []
  const values = typeof argument === 'object' && argument !== null ? Object.values(argument) : []
  const words = [
    selector.replaceAll('_', ' '),
    ...values.map((one) => (typeof one === 'string' ? one : visibleJson(one))),
  ]
  return visible(words.join(' '))
}

/** One line a criterion, each with what it means for whom is covered. */
export function criteriaLines({
  include,
  exclude,
  require,
}: {
  include: Shown[]
  exclude: Shown[]
  require: Shown[]
}): string[] {
  return [
    ...include.map((rule) => `covers     ${shortly(rule)}`),
    ...require.map((rule) => `and only   ${shortly(rule)}`),
    ...exclude.map((rule) => `but not    ${shortly(rule)}`),
  ]
}
