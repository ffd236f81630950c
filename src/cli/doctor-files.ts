/** What `doctor` sees of the data directory: whether it is there, and who may read what lies in it. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Finding, fine, type Place, problem, warning } from './finding.ts'

export function checkFiles({ settings }: Place): Finding[] {
  const { data } = settings.values
  if (!existsSync(data)) return [warning('data', `${data} does not exist yet`, 'portico start makes it.')]
  if (process.platform === 'win32') return [fine('data', data)]
  const open = [
    data,
    ...readdirSync(data, { recursive: true, encoding: 'utf8' }).map((name) => join(data, name)),
  ].filter((path) => isOpen(path))
  if (open.length === 0) return [fine('data', `${data}, for its owner alone`)]
  return [
    problem(
      'data',
      `others may read ${open.slice(0, 3).join(', ')}${open.length > 3 ? ` and ${open.length - 3} more` : ''}`,
      `chmod -R go= '${data}'`,
    ),
  ]
}

function isOpen(path: string): boolean {
  // A journal or socket may go away between the listing and the look.
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && (stat.mode & 0o077) !== 0
}
