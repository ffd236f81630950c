/** What `doctor` sees of the encryption key: where it is and who may read it. Never what it is. */
import { realpathSync, statSync } from 'node:fs'
import { sep } from 'node:path'
import { findKeyFile } from '../config/keys.ts'
import { type Finding, fine, type Place, problem } from './finding.ts'

export function checkKey({ settings: { values, origins }, context }: Place): Finding[] {
  if (values.encryption_key !== null) return [fine('key', `from ${origins.get('encryption_key')?.where}`)]
  const { file, exists } = findKeyFile(values.data, context.surroundings.env)
  if (file === null) return [fine('key', 'made at the first start')]
  if (!exists)
    return [
      problem(
        'key',
        `${file} is missing; what is sealed in ${values.data} cannot be opened`,
        `Put your copy back: cp COPY '${file}' && chmod 600 '${file}'`,
      ),
    ]
  if (realpathSync(file).startsWith(`${realpathSync(values.data)}${sep}`))
    return [
      problem(
        'key',
        `${file} lies in the data directory: a copy of the data is a copy of the key`,
        `mv '${file}' somewhere else and set XDG_CONFIG_HOME to the folder above its "portico" folder`,
      ),
    ]
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    return [problem('key', `others may read ${file}`, `chmod 600 '${file}'`)]
  return [fine('key', `${file}; keep a copy elsewhere`)]
}
