/** The built console, read once: its files by their exact names, and the page that all its paths show. */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

export interface Asset {
  type: string
  bytes: Buffer
  /** The same by gzip, where that is shorter. */
  zipped: Buffer | null
}

export interface Built {
  /** `/admin/assets/…` */
  assets: ReadonlyMap<string, Asset>
  /** Has `NONCE` in each place of the nonce. */
  page: string
}

/** What stands in the built page where each answer has a nonce of its own. */
export const NONCE = 'nonce-of-this-answer'

/** Nothing else is built, and nothing else is served. */
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

const zip = promisify(gzip)

/** @param folder as `vite build` leaves it */
export async function readBuilt(folder: string): Promise<Built> {
  const names = await readdir(join(folder, 'assets'))
  const assets = await Promise.all(
    names.map(async (name): Promise<[string, Asset][]> => {
      const type = TYPES[extname(name)]
      if (type === undefined) return []
      const bytes = await readFile(join(folder, 'assets', name))
      const zipped = await zip(bytes, { level: 9 })
      return [[`/admin/assets/${name}`, { type, bytes, zipped: zipped.length < bytes.length ? zipped : null }]]
    }),
  )
  return { assets: new Map(assets.flat()), page: await readFile(join(folder, 'index.html'), 'utf8') }
}
