/** What `doctor` sees of the encryption key: where it is and who may read it. Never what it is. */
import { lstatSync, realpathSync } from 'node:fs'
import { sep } from 'node:path'
import { findKeyFile, readKeys } from '../config/keys.ts'
import { type Finding, fine, type Place, problem, warning } from './finding.ts'

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
  if (lstatSync(file).isSymbolicLink())
    return [
      problem(
        'key',
        `${file} is a link; the key itself must lie there`,
        `cp --remove-destination "$(readlink -f '${file}')" '${file}'`,
      ),
    ]
  if (process.platform !== 'win32' && (lstatSync(file).mode & 0o077) !== 0)
    return [problem('key', `others may read ${file}`, `chmod 600 '${file}'`)]
  const { keys } = readKeys({ data: values.data, given: null, where: file, id: null }, context.surroundings.env)
  if (keys.keys.length > 1)
    return [
      warning(
        'key',
        `${file} holds ${keys.keys.length} keys: the older ones still open what is sealed`,
        'portico keys retire',
      ),
    ]
  return [fine('key', `${file}; keep a copy elsewhere`)]
}
