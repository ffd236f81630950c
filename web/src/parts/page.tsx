/** The head of every page, and its title in the tab. */
import { Anchor, Breadcrumbs, Group, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef } from 'react'
import { Foreign } from './foreign.tsx'

export interface PageProps {
  title: string
  says?: string
  /** The pages above this one: where each leads, and what it is called. */
  above?: readonly (readonly [to: string, title: string])[]
  actions?: ReactNode
  children: ReactNode
}

export function Page({ title, says, above = [], actions, children }: PageProps) {
  const head = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Portico`
    // Who was led here goes on at the heading, and who listens hears it. The frame, that leads them, may learn of it a little later.
    const frame = requestAnimationFrame(() => {
      if (document.activeElement?.id === 'content') head.current?.focus({ preventScroll: true })
    })
    return () => cancelAnimationFrame(frame)
  }, [title])
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-end" wrap="wrap">
        <div>
          {above.length > 0 && (
            <Breadcrumbs mb={4}>
              {above.map(([to, name]) => (
                <Anchor key={to} size="sm" renderRoot={(props) => <Link to={to} {...props} />}>
                  {name}
                </Anchor>
              ))}
            </Breadcrumbs>
          )}
          <Title order={1} size="h2" ref={head} tabIndex={-1}>
            <Foreign text={title} />
          </Title>
          {says !== undefined && (
            <Text c="dimmed" size="sm">
              {says}
            </Text>
          )}
        </div>
        {actions !== undefined && <Group gap="sm">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  )
}
