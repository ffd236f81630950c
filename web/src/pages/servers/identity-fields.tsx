/** Whether the server is told who calls, in a signed header, and what of them. */
import { Fieldset, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core'
import { Copyable } from '../../parts/copy.tsx'
import { SETTINGS as SAYS } from '../../words/servers.ts'
import type { Section } from './server-settings.tsx'

/** What software for Cloudflare Access looks for. */
const USUAL_HEADER = 'Cf-Access-Jwt-Assertion'

export function IdentityFields(props: { section: Section; audience: string | undefined }) {
  const { draft, change, at } = props.section
  const { identity_header: header, identity_claims: claims } = draft
  return (
    <Fieldset legend={SAYS.identity}>
      <Stack>
        <Switch
          label={SAYS.identityOn}
          description={SAYS.identityOnSays}
          checked={header !== null}
          onChange={({ currentTarget }) =>
            change(
              currentTarget.checked
                ? { identity_header: USUAL_HEADER }
                : { identity_header: null, identity_claims: [] },
            )
          }
        />
        {header !== null && (
          <>
            <TextInput
              label={SAYS.identityHeader}
              description={SAYS.identityHeaderSays}
              required
              value={header}
              onChange={({ currentTarget }) => change({ identity_header: currentTarget.value })}
              error={at('identity_header')}
            />
            <TagsInput
              label={SAYS.identityClaims}
              description={SAYS.identityClaimsSays}
              data={['groups']}
              value={[...claims]}
              onChange={(next) => change({ identity_claims: next })}
              error={at('identity_claims')}
            />
            {props.audience === undefined ? (
              <Text size="sm">{SAYS.audienceLater}</Text>
            ) : (
              <>
                <Text size="sm">{SAYS.audience}</Text>
                <Copyable text={props.audience} label={SAYS.audience} />
              </>
            )}
          </>
        )}
      </Stack>
    </Fieldset>
  )
}
