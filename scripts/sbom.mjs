// Writes the bill of materials of what is published: CycloneDX 1.6 on stdout, from package-lock.json alone, offline. The same lockfile
// gives the same text. (npm's own `sbom --omit=dev` leaves out what a development dependency uses as well.)
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const text = readFileSync(process.argv[2] ?? new URL('../package-lock.json', import.meta.url), 'utf8')
const { packages } = JSON.parse(text)
const root = packages['']
// `dev` marks what nothing but development needs. What the console is built of is published as well, within its files; the folder of its
// own is a part of this repository.
const shipped = Object.entries(packages).filter(
  ([path, entry]) => path.includes('node_modules/') && !entry.dev && !entry.link,
)

const purl = (name, version) => `pkg:npm/${name.replace(/^@/, '%40')}@${version}`
const nameOf = (path, entry) => entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

function component([path, entry]) {
  const name = nameOf(path, entry)
  if (!entry.license || !entry.integrity) throw new Error(`${path}: the lockfile tells no licence or no hash`)
  return {
    type: 'library',
    'bom-ref': `${path}@${entry.version}`,
    name,
    version: entry.version,
    scope: entry.optional ? 'optional' : 'required',
    hashes: [
      { alg: 'SHA-512', content: Buffer.from(entry.integrity.replace(/^sha512-/, ''), 'base64').toString('hex') },
    ],
    licenses: [{ expression: entry.license }],
    purl: purl(name, entry.version),
  }
}

/** As Node finds it: in the package's own node_modules, else in those above. */
function resolve(from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    if (packages[path] !== undefined) return path
    if (folder === '') return undefined
  }
}

function edges(path, entry) {
  const wanted = { ...entry.dependencies, ...entry.optionalDependencies }
  return Object.keys(wanted)
    .map((name) => resolve(path, name))
    .filter((found) => found !== undefined)
    .map((found) => `${found}@${packages[found].version}`)
    .sort()
}

// Made of the lockfile, so that nothing but a change of it changes the text.
const seed = createHash('sha256').update(text).digest('hex')
const serial = `${seed.slice(0, 8)}-${seed.slice(8, 12)}-5${seed.slice(13, 16)}-8${seed.slice(17, 20)}-${seed.slice(20, 32)}`
const self = `${root.name}@${root.version}`

const bom = {
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  serialNumber: `urn:uuid:${serial}`,
  version: 1,
  metadata: {
    component: {
      type: 'application',
      'bom-ref': self,
      name: root.name,
      version: root.version,
      licenses: [{ expression: root.license }],
      purl: purl(root.name, root.version),
    },
  },
  components: shipped.map(component),
  dependencies: [
    { ref: self, dependsOn: edges('', root) },
    ...shipped.map(([path, entry]) => ({ ref: `${path}@${entry.version}`, dependsOn: edges(path, entry) })),
  ],
}
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`)
