/** What the organisation has settled about signing in. */
import { useQuery } from '@tanstack/react-query'
import type { OrganizationShown } from '../../../../src/contract/organization.ts'
import { organizationQuery, writeOrganization } from '../../api/settings.ts'
import { type Field, isOn, text, type Values } from '../../parts/fields.tsx'
import { Form } from '../../parts/form.tsx'
import { useLock } from '../../parts/from-file.tsx'
import { ProblemNote, Waiting } from '../../parts/told.tsx'
import { COMMON } from '../../words/common.ts'
import { SETTINGS } from '../../words/settings.ts'

const { fields: WORDS } = SETTINGS.organization
const isIdle = (values: Values) => isOn(values, 'idle')
const IDLE = 'service_token_inactivity'

const FIELDS: readonly Field[] = [
  { name: 'name', ...WORDS.name, required: true },
  { name: 'session_duration', ...WORDS.session, required: true },
  { name: 'grant_lifetime', ...WORDS.grant, required: true },
  { name: 'access_token_lifetime', ...WORDS.access, required: true },
  { name: 'local_sign_in', ...WORDS.local, kind: 'choice', options: Object.entries(WORDS.localOptions) },
  { name: 'strict_service_token_auth', ...WORDS.strict, kind: 'tick' },
  { name: 'idle', ...WORDS.idle, kind: 'tick' },
  {
    ...{ name: 'action', label: WORDS.idleAction.label, kind: 'choice', shows: isIdle, at: `${IDLE}.action` },
    options: Object.entries(WORDS.idleAction.options),
  },
  { name: 'days', ...WORDS.idleDays, shows: isIdle, at: `${IDLE}.inactivity_threshold_days` },
]

export function OrganizationSettings() {
  const { data, error, refetch } = useQuery(organizationQuery)
  const lock = useLock('organization:write')
  if (error) return <ProblemNote error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting />
  return (
    <Form
      fields={FIELDS}
      stored={valuesOf(data)}
      deed={COMMON.save}
      lock={lock}
      reads={[['organization'], ['me']]}
      done={SETTINGS.saved}
      perform={(values) => writeOrganization(bodyOf(values))}
    />
  )
}

function valuesOf(organization: OrganizationShown): Values {
  const { name, session_duration, grant_lifetime, access_token_lifetime, local_sign_in } = organization
  const { enabled, action, inactivity_threshold_days: days } = organization[IDLE]
  return {
    ...{ name, session_duration, grant_lifetime, access_token_lifetime, local_sign_in },
    strict_service_token_auth: organization.strict_service_token_auth,
    ...{ idle: enabled, action, days: String(days) },
  }
}

function bodyOf(values: Values) {
  const words = ['name', 'session_duration', 'grant_lifetime', 'access_token_lifetime', 'local_sign_in']
  return {
    ...Object.fromEntries(words.map((name) => [name, text(values, name)])),
    strict_service_token_auth: isOn(values, 'strict_service_token_auth'),
    [IDLE]: {
      enabled: isOn(values, 'idle'),
      action: text(values, 'action'),
      inactivity_threshold_days: Number(text(values, 'days')),
    },
  }
}
