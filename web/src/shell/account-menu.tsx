/** Who is signed in, with which role, in which colours, and the way out. */
import { Button, type MantineColorScheme, Menu, Text, useMantineColorScheme } from '@mantine/core'
import type { MeShown } from '../../../src/contract/me.ts'
import { Foreign } from '../parts/foreign.tsx'
import { SHELL } from '../words/shell.ts'

const COLORS = ['auto', 'light', 'dark'] as const satisfies readonly MantineColorScheme[]

export function AccountMenu({ me }: { me: MeShown }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Menu position="bottom-end" width={260} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <Button variant="default" size="xs" maw="min(14rem, 40vw)" aria-label={SHELL.account(me.name)}>
          <Foreign text={me.name} truncate />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Foreign text={me.name} />
          <Text size="xs">{SHELL.role[me.role]}</Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Label>{SHELL.colors.title}</Menu.Label>
        <Menu.RadioGroup value={colorScheme} onChange={(value) => setColorScheme(value as MantineColorScheme)}>
          {COLORS.map((one) => (
            <Menu.RadioItem key={one} value={one}>
              {SHELL.colors[one]}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item component="a" href="/">
          {SHELL.home}
        </Menu.Item>
        <Menu.Item component="a" href="/sign-out">
          {SHELL.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
