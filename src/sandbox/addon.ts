/**
 * The native part of isolated-vm: where it is, and that it is the one that was looked at. It is loaded by name from
 * what npm unpacked and never compiled here, so that no install script is needed, and none can put another in its place.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * The first version in which a guest that holds an object of isolated-vm cannot corrupt the host's memory
 * (GHSA-864f-rcv7-6rh4), and the only one whose bytes are known here.
 */
export const ADDON_VERSION = '7.0.1'

/** SHA-256 of what the npm package carries, by system and file. */
const KNOWN: Readonly<Record<string, string>> = {
  'darwin-arm64/isolated-vm.abi137.node': '5c435c393300b581838190751e275a4fbd23584bdc706bb42acc69b1e5cdb20f',
  'darwin-arm64/isolated-vm.abi147.node': '81f4f01b89120559f57fba8b4e29a8a3cbcb9d1951b4869441553a54e0dc5f51',
  'linux-arm64/isolated-vm.abi137.glibc.node': '7d91c9d0e3bfe79f9a606432e807a8d070f1cda3b62d2a25cfea963ef475f1e5',
  'linux-arm64/isolated-vm.abi137.musl.node': '40700d96c85153bd4615c20c518174f3c51c44f44ac14de1483a648183002bb0',
  'linux-arm64/isolated-vm.abi147.glibc.node': 'db97c5ebbb4484cda2820b93f8b92139bb8f96ef36768251456fb833c2d5ca08',
  'linux-arm64/isolated-vm.abi147.musl.node': 'da6f1363824050fd49c51457a762c3a0ce12135a653197da19f20bd2d8c2b024',
  'linux-x64/isolated-vm.abi137.glibc.node': 'b2a8794cf2a28cb0d839664bf404200e37317832959275cbe4a9a42e1ff328ab',
  'linux-x64/isolated-vm.abi137.musl.node': 'a7d9a4910bb150b71c373a0125ae84ae9b7d263c99e228efb9d27b4a9b1cf440',
  'linux-x64/isolated-vm.abi147.glibc.node': '755ab3645906e224a70a7b8c975b0b0bee7a249d89e4fb54dd2993819be195c9',
  'linux-x64/isolated-vm.abi147.musl.node': '41dd9d63868631c534066b4626bb818f59a4fc7c1d58ff33b9e759c49feb8cb9',
  'win32-x64/isolated-vm.abi137.node': '358f24fd3cd4f8834a7d197fab094bbdf56402e1c03661349765d70a624832c6',
  'win32-x64/isolated-vm.abi147.node': '584b153f14e7cd0950e72291661fe7229a8ba59c00cca0621e2e8b3abb111cd1',
}

export type Addon = { file: string } | { unavailable: string }

/** @param folder where isolated-vm lies; not given: where npm put it */
export async function findAddon(folder = installed()): Promise<Addon> {
  if (folder === null)
    return {
      unavailable:
        'isolated-vm is not installed; run "npm ci" with optional dependencies (by a Node from 24 on, where Portico was installed as a package).',
    }
  const version = await versionOf(folder)
  if (version !== ADDON_VERSION) {
    return { unavailable: `isolated-vm ${version} is installed, and only ${ADDON_VERSION} is known to be safe here.` }
  }
  const name = buildName()
  const file = join(folder, 'prebuilds', name)
  if (!existsSync(file)) {
    return { unavailable: `isolated-vm ${ADDON_VERSION} has no build for this system and Node (${name}).` }
  }
  if (KNOWN[name] !== (await digestOf(file))) {
    return { unavailable: `${file} is not as isolated-vm ${ADDON_VERSION} was published; run "npm ci" again.` }
  }
  return { file }
}

function installed(): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve('isolated-vm/package.json'))
  } catch {
    return null
  }
}

async function versionOf(folder: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version?: unknown }
  return String(version)
}

/** As the package names its builds. */
function buildName(): string {
  const { platform, arch, versions } = process
  const library = platform !== 'linux' ? '' : existsSync('/etc/alpine-release') ? '.musl' : '.glibc'
  return `${platform}-${arch}/isolated-vm.abi${versions.modules}${library}.node`
}

async function digestOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}
