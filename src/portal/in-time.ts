/** What a call must know from the database before it may go on: known soon, or the call is refused. Never assumed. */
import { Fault } from '../base/fault.ts'
import { isDatabaseDown } from '../store/trouble.ts'

const PATIENCE_MS = 5000

/**
 * @param work what the database was asked; it goes on when nobody waits for it any more
 * @param what of the sentence "… cannot be looked up now"
 * @throws Fault `store-unavailable` where the database cannot be used, or took longer than five seconds
 */
export async function inTime<T>(work: Promise<T>, what: string, patienceMs = PATIENCE_MS): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const message = `${what} cannot be looked up now, so nothing was done. Try again in a moment.`
  const timer = setTimeout(() => reject(new Fault('store-unavailable', message)), patienceMs)
  try {
    return await Promise.race([work, late])
  } catch (error) {
    throw isDatabaseDown(error) ? new Fault('store-unavailable', message, error) : error
  } finally {
    clearTimeout(timer)
  }
}
