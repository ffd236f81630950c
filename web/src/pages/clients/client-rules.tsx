/** Which clients may introduce themselves, and from where. */
import { useQuery } from '@tanstack/react-query'
import { clientRulesQuery, writeClientRules } from '../../api/clients.ts'
import { type Field, isOn, many, type Values } from '../../parts/fields.tsx'
import { Form } from '../../parts/form.tsx'
import { useLock } from '../../parts/from-file.tsx'
import { Section } from '../../parts/items.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { CLIENTS } from '../../words/clients.ts'
import { COMMON } from '../../words/common.ts'

const { rules: WORDS } = CLIENTS
const AT = 'dynamic_client_registration'

const isLimited = (values: Values) => isOn(values, 'enabled') && isOn(values, 'limited')

const FIELDS: readonly Field[] = [
  { name: 'enabled', ...WORDS.enabled, kind: 'tick' },
  { name: 'limited', ...WORDS.limited, kind: 'tick', shows: (values) => isOn(values, 'enabled') },
  { name: 'allow_any_on_localhost', ...WORDS.localhost, kind: 'tick', shows: isLimited },
  { name: 'allow_any_on_loopback', ...WORDS.loopback, kind: 'tick', shows: isLimited },
  {
    ...{ name: 'allowed_uris', ...WORDS.uris, kind: 'lines', at: `${AT}.allowed_uris` },
    shows: isLimited,
  },
]

export function ClientRules() {
  const { data, error } = useQuery(clientRulesQuery)
  const lock = useLock('oauth_clients:write')
  if (error) return <ProblemNote error={error} />
  if (data === undefined) return <Waiting rows={3} />
  const { enabled = true, ...limits } = data[AT] ?? {}
  const { allow_any_on_localhost = false, allow_any_on_loopback = false, allowed_uris = [] } = limits
  const limited = Object.values(limits).some((limit) => limit !== undefined)
  return (
    <Section title={WORDS.title}>
      <Form
        fields={FIELDS}
        stored={{
          enabled,
          limited,
          allow_any_on_localhost,
          allow_any_on_loopback,
          allowed_uris: allowed_uris.join('\n'),
        }}
        deed={COMMON.save}
        lock={lock}
        reads={[['oauth-configuration']]}
        done={WORDS.saved}
        perform={(values) => writeClientRules({ ...data, [AT]: rulesOf(values) })}
      />
    </Section>
  )
}

/** Whoever names one limit has named all: what is not named then is not allowed. */
function rulesOf(values: Values) {
  const enabled = isOn(values, 'enabled')
  if (!isOn(values, 'limited')) return { enabled }
  return {
    enabled,
    allow_any_on_localhost: isOn(values, 'allow_any_on_localhost'),
    allow_any_on_loopback: isOn(values, 'allow_any_on_loopback'),
    allowed_uris: [...many(values, 'allowed_uris')],
  }
}
