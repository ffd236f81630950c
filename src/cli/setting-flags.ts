/** The settings as flags of `start` and `config`: all but the secrets, since arguments show in process lists. */
import { type Command, Option } from 'commander'
import { FIELDS, SETTING_NAMES, SETTINGS, type SettingName } from '../config/settings-schema.ts'

/** Program-wide options already. */
const GLOBAL: ReadonlySet<SettingName> = new Set<SettingName>(['data'])

export function addSettingFlags(command: Command): Command {
  for (const name of SETTING_NAMES) {
    if (SETTINGS[name].secret || GLOBAL.has(name)) continue
    command.addOption(new Option(`--${dashed(name)} <value>`, FIELDS[name].description ?? ''))
  }
  return command
}

/** The flags that were given, by setting. */
export function flagsOf(options: Readonly<Record<string, unknown>>): Partial<Record<SettingName, string>> {
  const given = SETTING_NAMES.flatMap((name) => {
    const value = options[dashed(name).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
    return typeof value === 'string' && !SETTINGS[name].secret ? [[name, value] as const] : []
  })
  return Object.fromEntries(given)
}

function dashed(name: SettingName): string {
  return name.replaceAll(/[._]/g, '-')
}
