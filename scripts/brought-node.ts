/** Fails when the Node that npm brought, here or from the folder that is named, is not byte for byte the one that was looked at. */
import { BROUGHT_VERSION, checkBroughtNode } from '../src/cli/brought-node.ts'

const { path, isKnown } = await checkBroughtNode(process.argv[2] ?? import.meta.dirname)
if (path === null) console.log('npm brought no Node for this platform; the one in use is the machine’s own')
else if (isKnown) console.log(`${path}: the known Node ${BROUGHT_VERSION}`)
else {
  console.error(`${path}: not the known bytes of Node ${BROUGHT_VERSION}. Remove node_modules and run npm ci.`)
  process.exitCode = 1
}
