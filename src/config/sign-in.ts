/** The settings of signing in, put together and judged: mail, and the first owner of a set-up without a browser. */
import type { Provenance } from './layers.ts'
import { isLoopback, type SettingName, type SettingValues } from './settings-schema.ts'

export interface SmtpConfig {
  host: string
  port: number
  user: string | null
  password: string | null
  from: string
  tls: 'starttls' | 'implicit' | 'none'
}

export interface BootstrapConfig {
  /** Lower case, domain as A-label. */
  email: string
  password: string
}

interface Judged {
  values: SettingValues
  origins: ReadonlyMap<SettingName, Provenance>
}

/** @returns a sentence for each thing that is wrong; none says a password */
export function signInProblems({ values, origins }: Judged): string[] {
  const at = (name: SettingName) => origins.get(name)?.where ?? name
  return [...smtpProblems(values, at), ...bootstrapProblems(values, at)]
}

type Where = (name: SettingName) => string

function smtpProblems(values: SettingValues, at: Where): string[] {
  const { 'smtp.host': host, 'smtp.user': user, 'smtp.password': password, 'smtp.from': from, 'smtp.tls': tls } = values
  if (host === null) return []
  const problems: string[] = []
  if (from === null) problems.push(`${at('smtp.host')}: mail needs an address that it comes from; set smtp.from.`)
  if ((user === null) !== (password === null))
    problems.push(
      `${at(user === null ? 'smtp.password' : 'smtp.user')}: set both smtp.user and smtp.password, or neither.`,
    )
  if (tls === 'none' && user !== null && !isLoopback(host))
    problems.push(`${at('smtp.tls')}: the password would travel in the clear; use "starttls" or "implicit".`)
  return problems
}

function bootstrapProblems(values: SettingValues, at: Where): string[] {
  const { 'bootstrap.admin_email': email, 'bootstrap.admin_password': password } = values
  if ((email === null) !== (password === null))
    return [
      `${at(email === null ? 'bootstrap.admin_password' : 'bootstrap.admin_email')}: set both bootstrap.admin_email and bootstrap.admin_password, or neither.`,
    ]
  const isAddress = email !== null && [email, email.split('@')[0]].includes(password?.trim().toLowerCase())
  return isAddress ? [`${at('bootstrap.admin_password')}: is the address; give another password.`] : []
}

/** @returns null where no mail is set */
export function smtpOf(values: SettingValues): SmtpConfig | null {
  const { 'smtp.host': host, 'smtp.from': from } = values
  if (host === null || from === null) return null
  return {
    ...{ host, port: values['smtp.port'], user: values['smtp.user'], password: values['smtp.password'] },
    ...{ from, tls: values['smtp.tls'] },
  }
}

export function bootstrapOf(values: SettingValues): BootstrapConfig | null {
  const { 'bootstrap.admin_email': email, 'bootstrap.admin_password': password } = values
  return email === null || password === null ? null : { email, password }
}
