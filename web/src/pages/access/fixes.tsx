/** What would make it another answer: in words, and as buttons that lead to where that is done, with the change filled in. */
import { Button, Fieldset, Group, List, Stack } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import type { ExplanationShown } from '../../../../src/contract/policy-explanation.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { type Asked, searchOf } from '../../rules/asked.ts'
import { type Fix, fixesOf } from '../../rules/fixes.ts'
import { placeOfPolicy } from '../../rules/policy-place.ts'
import { ACCESS } from '../../words/access.ts'

const WORDS = ACCESS.fixes

export function Fixes({ explained, asked }: { explained: ExplanationShown; asked: Asked }) {
  const navigate = useNavigate()
  const fixes = fixesOf(explained)
  if (explained.would_change.length === 0 && fixes.length === 0) return null
  const go = (fix: Fix) => {
    const { to, search } = placeOf(fix, meant(explained, asked))
    void navigate({ to, search })
  }
  return (
    <Fieldset legend={ACCESS.change}>
      <Stack gap="sm">
        <List size="sm">
          {explained.would_change.map((line) => (
            <List.Item key={line}>
              <Foreign text={line} />
            </List.Item>
          ))}
        </List>
        <Group gap="xs">
          {fixes.map((fix, at) => (
            <Button
              key={JSON.stringify(fix)}
              size="xs"
              variant={at === 0 ? 'filled' : 'default'}
              onClick={() => go(fix)}
              style={{ height: 'auto', minHeight: '1.875rem', maxWidth: '100%' }}
              styles={{ label: { whiteSpace: 'normal', overflowWrap: 'anywhere' } }}
            >
              <Foreign text={sayFix(fix)} />
            </Button>
          ))}
        </Group>
      </Stack>
    </Fieldset>
  )
}

/** Of a deed, the question that it was: an edit can be asked about by that alone. */
function meant({ who, asked: found }: ExplanationShown, asked: Asked): Asked {
  if (asked.deed === '') return asked
  const ofWho = { user: who.kind === 'user' ? who.id : '', service_token: who.kind === 'service' ? who.id : '' }
  const { portal, capability } = found
  return {
    ...{ ...asked, ...ofWho, anonymous: who.kind === 'anonymous' },
    ...{ portal, name: capability ?? '', ip: who.ip ?? '', deed: '' },
  }
}

function placeOf(fix: Fix, asked: Asked): { to: string; search: Record<string, string> } {
  const back = new URLSearchParams(searchOf(asked)).toString()
  switch (fix.kind) {
    case 'except':
      return { to: placeOfPolicy(fix.policy, fix.app), search: { exclude: fix.email, back } }
    case 'include':
      return { to: placeOfPolicy(fix.policy, fix.app), search: { include: fix.email, back } }
    case 'open':
      return { to: placeOfPolicy(fix.policy, fix.app), search: {} }
    case 'write':
      return { to: '/policies/new', search: {} }
    case 'server':
      return { to: `/servers/${fix.server}`, search: { tab: fix.tab } }
    case 'portal':
      return { to: `/portals/${fix.portal}`, search: { tab: fix.tab } }
    case 'person':
      return { to: `/people/${fix.person}`, search: {} }
    case 'token':
      return { to: '/clients', search: { tab: 'service' } }
    case 'ask':
      return { to: '/access', search: searchOf({ ...asked, name: fix.name }) }
  }
}

function sayFix(fix: Fix): string {
  switch (fix.kind) {
    case 'except':
    case 'include':
      return WORDS[fix.kind](fix.email, fix.name)
    case 'open':
    case 'ask':
      return WORDS[fix.kind](fix.name)
    case 'server':
      return WORDS.server(fix.server)
    case 'portal':
      return WORDS.portal(fix.portal)
    default:
      return WORDS[fix.kind]
  }
}
