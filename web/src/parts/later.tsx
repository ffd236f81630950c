/** A part of a page that is loaded when it is looked at: what most visits do not need, no visit waits for. */
import { type ComponentType, type FunctionComponent, lazy, Suspense } from 'react'
import { Waiting } from './told.tsx'

/** @param load imports the file, and hands out its component */
export function later<Props extends object>(load: () => Promise<ComponentType<Props>>): FunctionComponent<Props> {
  const Loaded = lazy(async () => ({ default: await load() }))
  return function Later(props: Props) {
    return (
      <Suspense fallback={<Waiting />}>
        <Loaded {...props} />
      </Suspense>
    )
  }
}
