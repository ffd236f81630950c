/** What `doctor` sees of the data directory: whether it is there, who may read what lies in it. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { journalsDir, orphansIn } from '../audit/orphans.ts'
import { ConfigError } from '../config/config-error.ts'
import { openPaths } from '../config/data-directory.ts'
import type { Settings } from '../config.ts'
import { type Finding, fine, type Place, problem, warning } from './finding.ts'

export function checkFiles({ settings }: Place): Finding[] {
  const { data } = settings.values
  if (!existsSync(data))
    return [warning('data', `${data} does not exist yet`, 'portico start makes it.'), ...checkFile(settings)]
  return [...checkModes(data), ...checkJournals(data), ...checkFile(settings)]
}

function checkModes(data: string): Finding[] {
  if (process.platform === 'win32') return [fine('data', data)]
  try {
    const open = openPaths(data).map(({ path }) => path)
    if (open.length === 0) return [fine('data', `${data}, for its owner alone`)]
    const named = `${open.slice(0, 3).join(', ')}${open.length > 3 ? ` and ${open.length - 3} more` : ''}`
    const token = join(data, 'admin-token')
    return [
      problem(
        'data',
        `others may read ${named}`,
        `chmod -R go= '${data}'${open.includes(token) ? ', and make another owner token: portico token create --api owner' : ''}`,
      ),
    ]
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((text) => problem('data', text, 'rm the link and put the file, or nothing, in its place'))
  }
}

function checkJournals(data: string): Finding[] {
  if (!existsSync(journalsDir(data))) return []
  const left = orphansIn(data)
  if (left.length === 0) return []
  return [
    warning(
      'journal',
      `${left.length} processes died and their last rows are not in the audit yet`,
      'portico start takes them in',
    ),
  ]
}

/** The configuration file, where a secret stands in it in the clear. */
function checkFile({ file, origins }: Settings): Finding[] {
  if (file === null || process.platform === 'win32' || (statSync(file).mode & 0o077) === 0) return []
  const secrets = (['encryption_key', 'database_url', 'smtp.password', 'bootstrap.admin_password'] as const).filter(
    (name) => {
      const from = origins.get(name)
      return from?.origin === 'file' && !from.where.endsWith('_file')
    },
  )
  if (secrets.length === 0) return []
  return [problem('settings', `others may read ${file}, which holds ${secrets.join(' and ')}`, `chmod 600 '${file}'`)]
}
