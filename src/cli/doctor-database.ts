/** What `doctor` sees of the database: whether it can be used, is of this program's schema, and was written with the key at hand. */
import { systemClock } from '../base/clock.ts'
import { openSealer } from '../base/secret.ts'
import { ConfigError } from '../config/config-error.ts'
import { type Inspection, inspectStore } from '../store/inspect.ts'
import { opensCheck } from '../store/key-check.ts'
import { type Finding, fine, type Place, problem, warning } from './finding.ts'
import { findData } from './offline.ts'

/** Tokens end and leases change hands by the clock. */
const MOST_SKEW_MS = 5000

export async function checkDatabase(place: Place): Promise<Finding[]> {
  const { data, database_url: url } = place.settings.values
  const kind = url === null ? 'SQLite' : 'PostgreSQL'
  const found = await inspectStore(data, url, systemClock)
  switch (found.state) {
    case 'none':
      return [fine('database', `${kind}, empty`, 'portico start makes it.')]
    case 'unreachable':
      return [url === null ? brokenFile(data, found.code) : unreachable(found.code)]
    case 'locked':
      return [
        problem(
          'database',
          `another program has ${data}/portico.db locked`,
          `fuser -v '${data}/portico.db' shows which; end it, or let it finish`,
        ),
      ]
    case 'newer':
      return [
        problem(
          'database',
          `written by a newer Portico (schema ${found.level}); this program does not start on it`,
          'Start that version or a later one; or, with a backup of before: portico restore FILE --replace',
        ),
      ]
    case 'older':
      return [
        warning(
          'database',
          `${kind}, of an older Portico (${found.level})`,
          'portico backup FILE, then: portico start',
        ),
        ...checkFit(place, found),
      ]
    case 'current':
      return [fine('database', `${kind}, ${found.level}`), ...checkFit(place, found)]
  }
}

function brokenFile(data: string, reason: string): Finding {
  return problem(
    'database',
    `${data}/portico.db cannot be read: ${reason}`,
    'Keep a copy of the file as it is, then: portico restore FILE --replace',
  )
}

function unreachable(code: string): Finding {
  const text = `PostgreSQL cannot be used (${code})`
  switch (code) {
    case 'ECONNREFUSED':
      return problem(
        'database',
        `${text}: nothing listens there`,
        'Start it, or correct the host and port in DATABASE_URL',
      )
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return problem('database', `${text}: no such host`, 'Correct the host in DATABASE_URL')
    case '28P01':
    case '28000':
      return problem('database', `${text}: user or password is wrong`, 'Correct them in DATABASE_URL')
    case '3D000':
      return problem(
        'database',
        `${text}: there is no such database`,
        'createdb NAME, or correct the name in DATABASE_URL',
      )
    default:
      return problem('database', text, 'psql "$DATABASE_URL" -c "select 1" should answer')
  }
}

function checkFit(place: Place, found: Inspection & { state: 'older' | 'current' }): Finding[] {
  const findings: Finding[] = []
  const { keyCheck, skewMs } = found
  if (keyCheck !== undefined && keyOf(place, keyCheck) === false) {
    findings.push(
      problem(
        'key',
        'the key here is not the one that this data was written with',
        'Put that key back (portico keys status shows which is here), or set PORTICO_ENCRYPTION_KEY to it',
      ),
    )
  }
  if (skewMs !== null && Math.abs(skewMs) > MOST_SKEW_MS) findings.push(skewed(skewMs))
  return findings
}

/** @param skewMs how far the database's clock is before ours */
export function skewed(skewMs: number): Finding {
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  return warning(
    'clock',
    `this machine is ${seconds} seconds ${skewMs > 0 ? 'behind' : 'before'} the database; tokens and leases end by the clock`,
    'timedatectl set-ntp true, on both',
  )
}

/** @returns null where there is no key to try; that is told by its own check */
function keyOf({ context }: Place, keyCheck: string): boolean | null {
  try {
    return opensCheck(openSealer(findData(context).keys, 'store'), keyCheck)
  } catch (error) {
    if (error instanceof ConfigError) return null
    throw error
  }
}
