/** The frame of the console: who is signed in, where one can go, and the page. Nothing is shown until it is known who asks. */
import { AppShell, Burger, Group, NavLink, ScrollArea, Skeleton, Text } from '@mantine/core'
import { useDisclosure, useWindowEvent } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { Suspense, useEffect, useRef } from 'react'
import type { MeShown } from '../../../src/contract/me.ts'
import { Problem } from '../api/ask.ts'
import { meQuery } from '../api/me.ts'
import { Foreign } from '../parts/foreign.tsx'
import { ProblemNote, Waiting } from '../parts/told.tsx'
import { ZONE } from '../parts/when.tsx'
import { SHELL } from '../words/shell.ts'
import { AccountMenu } from './account-menu.tsx'
import { Find } from './find.tsx'
import { NAVIGATION } from './navigation.ts'
import { NoRole } from './no-role.tsx'
import { SignedOut } from './signed-out.tsx'

export function Shell() {
  const { data: me, error, refetch } = useQuery(meQuery)
  const [isOpen, { toggle, close }] = useDisclosure(false)
  const main = useRef<HTMLElement>(null)
  const burger = useRef<HTMLButtonElement>(null)
  const { pathname } = useLocation()
  const led = useRef(pathname)
  useEffect(() => {
    if (led.current === pathname) return
    // Narrow, the navigation is over the page, and nobody can be led beneath it.
    if (isOpen) return close()
    led.current = pathname
    // Who reads by ear or keyboard goes on where the new page begins.
    main.current?.focus({ preventScroll: true })
  }, [pathname, isOpen, close])
  useEffect(() => {
    // For as long as the console is open, so nothing ends it; and no first look waits for it.
    void import('./keep-focus.ts').then(({ keepFocus }) => keepFocus())
  }, [])
  useWindowEvent('keydown', ({ key }) => {
    if (key !== 'Escape' || !isOpen) return
    burger.current?.focus()
    close()
  })

  if (error instanceof Problem && error.status === 403) return <NoRole />
  return (
    <>
      <a className="skip" href="#content">
        {SHELL.skip}
      </a>
      <SignedOut />
      <AppShell
        header={{ height: 56 }}
        navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
        padding="lg"
        transitionDuration={0}
      >
        <AppShell.Header>
          <Group h="100%" px="md" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap" style={{ minWidth: 0 }}>
              <Burger
                ref={burger}
                opened={isOpen}
                onClick={toggle}
                hiddenFrom="sm"
                size="sm"
                aria-label={SHELL.open}
                aria-expanded={isOpen}
              />
              <img src="/admin/assets/mark.svg" width={26} height={26} alt="" />
              <Text fw={650} truncate>
                {me ? <Foreign text={me.organization} /> : ''}
              </Text>
            </Group>
            <Group gap="xs" wrap="nowrap">
              {me && <Find rights={me.rights} />}
              {me && <AccountMenu me={me} />}
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs" aria-label={SHELL.navigation} mod={{ closed: !isOpen }}>
          <AppShell.Section grow component={ScrollArea}>
            {me ? <Destinations me={me} path={pathname} /> : <Skeleton height={280} />}
          </AppShell.Section>
          <AppShell.Section px="sm" py="xs">
            <Text size="xs" c="dimmed">
              {SHELL.zone(ZONE)}
            </Text>
            {me && (
              <Text size="xs" c="dimmed">
                Portico {me.version}
              </Text>
            )}
          </AppShell.Section>
        </AppShell.Navbar>
        <AppShell.Main id="content" ref={main} tabIndex={-1} mod={{ covered: isOpen }}>
          {me ? (
            <Suspense fallback={<Waiting />}>
              <Outlet />
            </Suspense>
          ) : error === null ? (
            <Waiting />
          ) : (
            <ProblemNote error={error} again={() => void refetch()} />
          )}
        </AppShell.Main>
      </AppShell>
    </>
  )
}

function Destinations({ me, path }: { me: MeShown; path: string }) {
  return NAVIGATION.filter(({ right }) => me.rights.includes(right)).map(({ to, title }) => {
    const isHere = to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`)
    return (
      <NavLink
        key={to}
        label={title}
        active={isHere}
        aria-current={isHere ? 'page' : undefined}
        renderRoot={(props) => <Link to={to} {...props} />}
      />
    )
  })
}
