/** A link to another page of the console, with what it is to show. */
import { Anchor } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { OVERVIEW } from '../../words/overview.ts'
import { number } from './numbers.ts'

export type AwaySearch = Readonly<Record<string, string | undefined>>

export interface AwayProps {
  /** A path of the console; what stands behind a `?` is taken along. */
  to: string
  search?: AwaySearch
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

/** A number, with the rows of the log that it counts behind it; none where there is nothing to see. @param of what is counted */
export function Counted({ count, of, search }: { count: number; of: string; search: AwaySearch }) {
  if (count === 0) return number(count)
  return (
    <Anchor
      inherit
      underline="hover"
      aria-label={OVERVIEW.inLog(number(count), of)}
      renderRoot={(props) => <Link to="/logs" search={search} {...props} />}
    >
      {number(count)}
    </Anchor>
  )
}
