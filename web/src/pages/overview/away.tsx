/** A link to another page of the console, with what it is to show. */
import { Anchor } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

export interface AwayProps {
  /** A path of the console; what stands behind a `?` is taken along. */
  to: string
  search?: Readonly<Record<string, string | undefined>>
  children: ReactNode
}

export function Away({ to, search = {}, children }: AwayProps) {
  const [path = '/', query = ''] = to.split('?', 2)
  const given = { ...Object.fromEntries(new URLSearchParams(query)), ...search }
  return (
    <Anchor size="sm" underline="always" renderRoot={(props) => <Link to={path} search={given} {...props} />}>
      {children}
    </Anchor>
  )
}
