/** Which database the chain is read from. */
import { join } from 'node:path'
import type { ChainReader } from './chain-reader.ts'
import { openPostgresChain } from './postgres-chain-store.ts'
import { openSqliteChain } from './sqlite-chain-store.ts'

/** @throws Error when the database is not there or does not answer */
export function openChainReader(data: string, databaseUrl: string | null): Promise<ChainReader> {
  return databaseUrl === null ? openSqliteChain(join(data, 'audit.db')) : openPostgresChain(databaseUrl)
}
