/** What is believed of a server, and who may use it. */
import { Checkbox, Code, Fieldset, MultiSelect, Stack, Switch } from '@mantine/core'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { ask } from '../../api/ask.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { LABEL_WORDS } from '../../words/common.ts'
import { SETTINGS as SAYS } from '../../words/servers.ts'
import { Choice } from './choice.tsx'
import type { Draft, Section } from './server-settings.tsx'

const policiesQuery = queryOptions({
  queryKey: ['policies', 'names'],
  queryFn: async ({ signal }) =>
    (await ask<{ id: string; name: string }[]>('GET', '/access/policies', { signal, query: { per_page: 1000 } }))
      .result,
})

export function TrustFields(props: { section: Section; instructions: string | undefined }) {
  const { draft, change, at } = props.section
  const { data: policies = [] } = useQuery(policiesQuery)
  // An application's own policies are in no list, and stay chosen all the same.
  const names = new Map([
    ...draft.policies.map((id) => [id, id] as const),
    ...policies.map(({ id, name }) => [id, name] as const),
  ])
  return (
    <Fieldset legend={SAYS.trust}>
      <Stack>
        <Choice
          label={SAYS.definitions}
          description={SAYS.definitionsSays}
          value={draft.definitions}
          words={SAYS.definitionsModes}
          onChange={(definitions) => change({ definitions })}
          error={at('definitions')}
        />
        <Switch
          label={SAYS.instructions}
          description={SAYS.instructionsSays}
          checked={draft.instructions === 'on'}
          onChange={({ currentTarget }) => change({ instructions: currentTarget.checked ? 'on' : 'off' })}
        />
        {props.instructions !== undefined && (
          <Code
            block
            tabIndex={0}
            aria-label={SAYS.itsInstructions}
            mah="10rem"
            style={{ overflow: 'auto', whiteSpace: 'pre-wrap' }}
          >
            <Foreign text={props.instructions} />
          </Code>
        )}
        <MultiSelect
          label={SAYS.policies}
          description={SAYS.policiesSays}
          data={[...names].map(([value, label]) => ({ value, label }))}
          value={[...draft.policies]}
          onChange={(next) => change({ policies: next, own_policies: next.length > 0 || draft.own_policies })}
          searchable
          error={at('policies')}
        />
        {draft.policies.length === 0 && (
          <Switch
            label={SAYS.closed}
            description={SAYS.closedSays}
            checked={draft.own_policies}
            onChange={({ currentTarget }) => change({ own_policies: currentTarget.checked })}
            error={at('own_policies')}
          />
        )}
        <Checkbox.Group
          label={SAYS.labels}
          description={SAYS.labelsSays}
          value={[...draft.labels]}
          onChange={(labels) => change({ labels: labels as Draft['labels'] })}
        >
          <Stack gap="xs" mt="xs">
            {Object.entries(LABEL_WORDS).map(([value, label]) => (
              <Checkbox key={value} value={value} label={label} />
            ))}
          </Stack>
        </Checkbox.Group>
        <Switch
          label={SAYS.bypass}
          description={SAYS.bypassSays}
          checked={draft.bypass_credential}
          onChange={({ currentTarget }) => change({ bypass_credential: currentTarget.checked })}
        />
      </Stack>
    </Fieldset>
  )
}
