/** The walk through the rules of one portal or server: what each came to, and by which criteria. */
import { Anchor, Box, Group, List, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { LevelTraced, RuleTraced } from '../../../../src/contract/policy-explanation.ts'
import { useNames } from '../../api/policies.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import { placeOfPolicy } from '../../rules/policy-place.ts'
import { phraseOf } from '../../rules/selectors.ts'
import { ACCESS } from '../../words/access.ts'
import { Verdict } from './verdict.tsx'

const COLOR = { matched: 'blue', missed: 'gray', skipped: 'gray' } as const

export function Level({ level }: { level: LevelTraced }) {
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Title order={3} size="h5">
          <Foreign text={`${ACCESS.levels[level.level](level.id)} · ${ACCESS.levels.about(level.about)}`} />
        </Title>
        <Verdict verdict={level.verdict} />
      </Group>
      {level.rules.length === 0 && <Text size="sm">{ACCESS.noRules}</Text>}
      <Box component="ol" m={0} ps="lg">
        {level.rules.map((rule) => (
          <Box component="li" key={rule.policy} mb="xs">
            <Rule rule={rule} />
          </Box>
        ))}
      </Box>
    </Stack>
  )
}

function Rule({ rule }: { rule: RuleTraced }) {
  return (
    <Stack gap={2}>
      <Group gap="sm">
        <Anchor
          size="sm"
          fw={600}
          underline="always"
          renderRoot={(props) => <Link to={placeOfPolicy(rule.policy, rule.app_id)} {...props} />}
        >
          <Foreign text={rule.name} />
        </Anchor>
        <Text size="sm" c="dimmed">
          {ACCESS.decisions[rule.decision] ?? rule.decision}
        </Text>
        <Mark color={COLOR[rule.verdict]}>{ACCESS.ruleVerdicts[rule.verdict]}</Mark>
      </Group>
      <Text size="sm">
        <Foreign text={rule.says} />
      </Text>
      {rule.criteria.length > 0 && <Criteria rule={rule} />}
    </Stack>
  )
}

function Criteria({ rule }: { rule: RuleTraced }) {
  const names = useNames()
  return (
    <details>
      <Text component="summary" size="sm" style={{ cursor: 'pointer' }}>
        <Foreign text={ACCESS.criteria(rule.name)} />
      </Text>
      <List size="sm">
        {rule.criteria.map(({ part, criterion, truth, why }) => (
          <List.Item key={`${part} ${JSON.stringify(criterion)}`}>
            <Foreign
              text={`${ACCESS.parts[part]}: anybody ${phraseOf(criterion, names)} – ${ACCESS.truths[truth]}. ${why}`}
            />
          </List.Item>
        ))}
      </List>
    </details>
  )
}
