/**
 * What a form of a policy was begun upon. Rows of a rule have no names by which two drafts could be laid over each other, so what was typed
 * stays whole when somebody else saves the same policy, and its writer chooses.
 */
import { useState } from 'react'

export interface Begun {
  /** Another one is another form. */
  key: number
  /** Somebody else saved it while something was typed here. */
  isElsewhere: boolean
  touch(): void
  saved(): void
  /** Goes on with what was typed, over what is there now. */
  keep(): void
  /** Lets go what was typed. */
  drop(): void
}

/**
 * @param version what another save makes another; undefined for what is new
 * @param isFilled whether a link filled something in, which is as good as typed
 */
export function useBegun(version: string | undefined, isFilled: boolean): Begun {
  const [seen, see] = useState(version)
  const [isTouched, setTouched] = useState(isFilled)
  const [key, setKey] = useState(0)
  const anew = () => {
    see(version)
    setTouched(false)
    setKey((before) => before + 1)
  }
  // While it is drawn, so that no old rule is ever shown in between.
  if (!isTouched && seen !== version) anew()
  return {
    key,
    isElsewhere: isTouched && seen !== version,
    touch: () => setTouched(true),
    saved: () => setTouched(false),
    keep: () => see(version),
    drop: anew,
  }
}
