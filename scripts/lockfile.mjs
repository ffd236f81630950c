// Proves package-lock.json: every package is pinned by a SHA-512, and none names a place of its own to come from: npm asks
// the registry that it is configured for, and the SHA-512 decides.
// A package without integrity, from git, a tarball URL or a folder would be whatever its host serves that day.
import { readFileSync } from 'node:fs'

const faults = []
const { lockfileVersion, packages } = JSON.parse(
  readFileSync(process.argv[2] ?? new URL('../package-lock.json', import.meta.url), 'utf8'),
)
if (lockfileVersion !== 3) faults.push(`lockfileVersion is ${lockfileVersion}, not 3`)

// Named there as denied: what it would do is not needed (isolated-vm looks whether its builds are there), and
// `--ignore-scripts` must do.
const denied = new Set(
  Object.entries(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).allowScripts ?? {})
    .filter(([, isAllowed]) => isAllowed === false)
    .map(([name]) => `node_modules/${name}`),
)

const entries = Object.entries(packages).filter(([path]) => path !== '')
for (const [path, { integrity, resolved, link, version, hasInstallScript, dev, optional, engines, os }] of entries) {
  // Private workspaces are folders of this repository.
  if (link || !path.includes('node_modules/')) continue
  if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '')) faults.push(`${path}: no SHA-512 integrity`)
  if (resolved !== undefined) faults.push(`${path}: from ${resolved}; install with omit-lockfile-registry-resolved`)
  if (!/^\d+\.\d+\.\d+/.test(version ?? '')) faults.push(`${path}: version "${version}"`)
  // npm leaves out what is optional and says that it wants another Node than npm's own, which is not the one it will run in.
  if (optional && !dev && os === undefined && denied.has(path) && engines !== undefined)
    faults.push(`${path}: wants ${JSON.stringify(engines)}; take "engines" out of the entry, or Node 20 installs none`)
  // What is installed with the published program must not run anything while it is installed.
  if (hasInstallScript && !dev && !denied.has(path)) faults.push(`${path}: has an install script`)
}

for (const fault of faults) process.stderr.write(`package-lock.json: ${fault}\n`)
if (faults.length === 0) console.log(`package-lock.json: ${entries.length} packages, each pinned by SHA-512`)
process.exit(faults.length > 0 ? 1 : 0)
