/** What `doctor` can see without the portal: the runtime, the settings, and who may read the files. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../config/config-error.ts'
import { findKeyFile } from '../config/keys.ts'
import type { Settings } from '../config.ts'
import { BROUGHT_VERSION, checkBroughtNode } from './brought-node.ts'
import type { Context } from './context.ts'
import { type Finding, found } from './finding.ts'

const LEAST_NODE = 24

export async function checkRuntime(): Promise<Finding[]> {
  const major = Number(process.versions.node.split('.')[0])
  const node =
    major >= LEAST_NODE
      ? found('node', 'ok', `Node ${process.versions.node}`)
      : found(
          'node',
          'problem',
          `Node ${process.versions.node} is too old`,
          `Use Node ${LEAST_NODE} or newer, or the one that npm ci brings.`,
        )
  const { path, isKnown } = await checkBroughtNode(import.meta.dirname)
  if (path === null) return [node]
  if (isKnown) return [node, found('brought node', 'ok', `${path} has the known bytes of ${BROUGHT_VERSION}`)]
  return [
    node,
    found(
      'brought node',
      'problem',
      `${path} is not the Node ${BROUGHT_VERSION} that was looked at`,
      'Remove node_modules and run npm ci.',
    ),
  ]
}

export function checkConfiguration(context: Context): Finding[] {
  let settings: Settings
  try {
    settings = context.settings()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => found('settings', 'problem', problem))
    throw error
  }
  const from = settings.file ?? 'no file; environment and defaults'
  return [
    found('settings', 'ok', from),
    ...settings.warnings.map((warning) => found('settings', 'warning', warning)),
    ...checkData(settings.values.data),
    ...checkKey(settings, context),
  ]
}

function checkData(data: string): Finding[] {
  if (!existsSync(data))
    return [found('data', 'warning', `${data} does not exist yet`, 'The first "portico start" makes it.')]
  if (process.platform === 'win32') return [found('data', 'ok', data)]
  const open = [
    data,
    ...readdirSync(data, { recursive: true, encoding: 'utf8' }).map((name) => join(data, name)),
  ].filter((path) => isOpen(path))
  if (open.length === 0) return [found('data', 'ok', `${data}, for its owner alone`)]
  return [
    found(
      'data',
      'problem',
      `others may read ${open.slice(0, 3).join(', ')}${open.length > 3 ? ` and ${open.length - 3} more` : ''}`,
      `chmod -R go= '${data}'`,
    ),
  ]
}

function checkKey({ values, origins }: Settings, context: Context): Finding[] {
  if (values.encryption_key !== null) return [found('key', 'ok', `from ${origins.get('encryption_key')?.where}`)]
  const { file, exists } = findKeyFile(values.data, context.surroundings.env)
  if (file === null) return [found('key', 'ok', 'made at the first start')]
  if (!exists)
    return [
      found(
        'key',
        'problem',
        `${file} is missing; what is sealed in ${values.data} cannot be opened`,
        'Put it back, or set PORTICO_ENCRYPTION_KEY.',
      ),
    ]
  if (file.startsWith(`${values.data}/`))
    return [
      found(
        'key',
        'problem',
        `${file} lies in the data directory: a copy of the data is a copy of the key`,
        'Set XDG_CONFIG_HOME.',
      ),
    ]
  if (process.platform !== 'win32' && isOpen(file))
    return [found('key', 'problem', `others may read ${file}`, `chmod 600 '${file}'`)]
  return [found('key', 'ok', `${file}; keep a copy elsewhere`)]
}

function isOpen(path: string): boolean {
  // A journal or socket may go away between the listing and the look.
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && (stat.mode & 0o077) !== 0
}
