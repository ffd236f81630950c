/** The answer, and all that led to it: in one sentence, then who and what was meant, then rule by rule. */
import { Alert, Fieldset, List, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { ExplanationShown } from '../../../../src/contract/policy-explanation.ts'
import { Facts } from '../../parts/facts.tsx'
import { Foreign } from '../../parts/foreign.tsx'
import { When } from '../../parts/when.tsx'
import type { Asked } from '../../rules/asked.ts'
import { ACCESS } from '../../words/access.ts'
import { Fixes } from './fixes.tsx'
import { Level } from './level.tsx'
import { VERDICT_COLOR } from './verdict.tsx'

export function Answer({ explained, asked }: { explained: ExplanationShown; asked: Asked }) {
  const { verdict, says, levels, obstacles, unknown, deed } = explained
  const blocking = obstacles.filter(({ blocks }) => blocks)
  const others = obstacles.filter(({ blocks }) => !blocks)
  return (
    <Stack role="region" aria-label={ACCESS.result}>
      <Alert color={VERDICT_COLOR[verdict]} variant="light">
        <Title order={2} size="h3">
          {ACCESS.verdicts[verdict]}
        </Title>
        <Text size="sm" c="var(--mantine-color-text)">
          <Foreign text={says} />
        </Text>
      </Alert>
      <Fixes explained={explained} asked={asked} />
      <Meant explained={explained} />
      <Said title={ACCESS.obstacles} lines={blocking.map((one) => one.says)} />
      <Said title={ACCESS.knowing} lines={others.map((one) => one.says)} />
      <Said title={ACCESS.terms} lines={termsOf(explained)} />
      <Said title={ACCESS.unknown} lines={unknown} />
      {deed !== undefined && <Deed deed={deed} />}
      {levels.length > 0 && (
        <Fieldset legend={ACCESS.how}>
          <Stack>
            {levels.map((level) => (
              <Level key={`${level.level} ${level.id} ${level.about}`} level={level} />
            ))}
          </Stack>
        </Fieldset>
      )}
    </Stack>
  )
}

function Said({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null
  return (
    <Fieldset legend={title}>
      <List size="sm">
        {lines.map((line) => (
          <List.Item key={line}>
            <Foreign text={line} />
          </List.Item>
        ))}
      </List>
    </Fieldset>
  )
}

function termsOf({ terms }: ExplanationShown): string[] {
  return terms.flatMap(({ approval, purpose, step_up }) => [
    ...(approval?.groups ?? []).map((one) => ACCESS.approval(one.approvals_needed, one.email_addresses.join(', '))),
    ...(purpose === undefined ? [] : [ACCESS.purpose(purpose.prompt)]),
    ...(step_up === undefined ? [] : [ACCESS.stepUp(step_up.auth_method.join(', '), step_up.max_age_seconds)]),
  ])
}

function Meant({ explained: { who, asked } }: { explained: ExplanationShown }) {
  const words = ACCESS.facts
  const facts: (readonly [string, ReactNode])[] = [[words.who, <Foreign key="who" text={who.label || who.id} />]]
  const { identity } = who
  if (identity !== null) {
    facts.push([words.provider, <Foreign key="provider" text={identity.provider} />])
    facts.push([
      words.groups,
      <Foreign
        key="groups"
        text={identity.groups === null ? words.groupsUnknown : identity.groups.join(', ') || '–'}
      />,
    ])
    if (identity.amr.length > 0) facts.push([words.methods, identity.amr.join(', ')])
  }
  if (who.ip !== null) facts.push([words.from, `${who.ip}${who.country === null ? '' : ` (${who.country})`}`])
  facts.push([words.portal, <Foreign key="portal" text={asked.portal} />])
  facts.push([words.asked, <Foreign key="asked" text={asked.capability ?? words.nothing} />])
  if (asked.server !== null) facts.push([words.server, <Foreign key="server" text={asked.server} />])
  if (asked.public_name !== null) facts.push([words.shown, <Foreign key="shown" text={asked.public_name} />])
  return <Facts facts={facts} />
}

function Deed({ deed }: { deed: NonNullable<ExplanationShown['deed']> }) {
  const words = ACCESS.deed
  const facts: (readonly [string, ReactNode])[] = [
    [words.at, <When key="at" at={deed.at} exact />],
    [words.decision, deed.decision ?? '–'],
    [words.outcome, deed.outcome ?? '–'],
    ...(deed.error === null ? [] : [[words.error, <Foreign key="error" text={deed.error} />] as const]),
  ]
  return (
    <Fieldset legend={words.title}>
      <Stack gap="xs">
        <Text size="sm">{deed.agrees ? words.agrees : words.differs}</Text>
        <Facts facts={facts} />
      </Stack>
    </Fieldset>
  )
}
