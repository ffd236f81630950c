/** What `doctor` sees of the audit without the portal: whether rows that were signed have gone, and whether calls have room to be recorded. */
import { existsSync, statfsSync } from 'node:fs'
import { readHeadFiles } from '../audit/head-file.ts'
import { type Finding, type Place, problem, warning } from './finding.ts'

const MIB = 1024 * 1024

export function checkAudit({ settings }: Place): Finding[] {
  const { data, 'audit.min_free_mb': least } = settings.values
  if (!existsSync(data)) return []
  const { bavail, bsize } = statfsSync(data)
  return [...checkHeads(data), ...checkFloor(data, (bavail * bsize) / MIB, least)]
}

function checkHeads(data: string): Finding[] {
  const aside = readHeadFiles(data).find(({ path }) => path.endsWith('contradicted.json'))
  if (aside === undefined) return []
  const text = `the audit's database contradicted a head that this portal had signed: ${aside.path}`
  return [
    problem(
      'audit',
      text,
      'portico audit verify says which rows; remove the file if another database is in place on purpose',
    ),
  ]
}

/** @param mib what is free @param least `audit.min_free_mb` */
export function checkFloor(data: string, mib: number, least: number): Finding[] {
  const mend = `make room where ${data} is, or set audit.min_free_mb lower`
  const text = `${Math.floor(mib)} MiB are free and audit.min_free_mb is ${least}`
  if (mib < least) return [problem('audit', `${text}: every call is refused`, mend)]
  return mib < 2 * least ? [warning('audit', `${text}: below it every call is refused`, mend)] : []
}
