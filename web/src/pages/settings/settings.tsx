/** The settings: a list of sections beside the one that is open, each with an address of its own. */
import { Grid, NavLink, Text } from '@mantine/core'
import { Link, useParams } from '@tanstack/react-router'
import type { ComponentType } from 'react'
import { Page } from '../../parts/page.tsx'
import { SETTINGS } from '../../words/settings.ts'
import { PAGES } from '../../words/shell.ts'
import { About } from './about.tsx'
import { ApiTokens } from './api-tokens.tsx'
import { Keys } from './keys.tsx'
import { Mail } from './mail.tsx'
import { OrganizationSettings } from './organization.tsx'
import { Providers } from './providers.tsx'
import { Roles } from './roles.tsx'
import { Webhooks } from './webhooks.tsx'

type Section = keyof typeof SETTINGS.sections

const SECTIONS: readonly (readonly [Section, ComponentType])[] = [
  ['organization', OrganizationSettings],
  ['providers', Providers],
  ['roles', Roles],
  ['webhooks', Webhooks],
  ['keys', Keys],
  ['tokens', ApiTokens],
  ['mail', Mail],
  ['about', About],
]

const SAYS: Partial<Record<Section, string>> = {
  providers: SETTINGS.providers.says,
  roles: SETTINGS.roles.says,
  webhooks: SETTINGS.webhooks.says,
  keys: SETTINGS.keys.says,
  tokens: SETTINGS.tokens.says,
  mail: SETTINGS.mail.says,
}

export function Settings() {
  const { section = 'organization' } = useParams({ strict: false })
  const [here, Shown] = SECTIONS.find(([name]) => name === section) ?? (['organization', OrganizationSettings] as const)
  return (
    <Page title={`${PAGES.settings.title}: ${SETTINGS.sections[here]}`} {...(SAYS[here] ? { says: SAYS[here] } : {})}>
      <Grid gap="xl">
        <Grid.Col span={{ base: 12, md: 3 }}>
          <nav aria-label={SETTINGS.list}>
            {SECTIONS.map(([name]) => (
              <NavLink
                key={name}
                label={<Text size="sm">{SETTINGS.sections[name]}</Text>}
                active={name === here}
                aria-current={name === here ? 'page' : undefined}
                renderRoot={(props) => <Link to="/settings/$section" params={{ section: name }} {...props} />}
              />
            ))}
          </nav>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 9 }} miw={0}>
          <Shown key={here} />
        </Grid.Col>
      </Grid>
    </Page>
  )
}
