/** What `doctor` sees of the Node that runs the program, and of the one that npm brought. */
import { BROUGHT_VERSION, checkBroughtNode } from './brought-node.ts'
import { type Finding, fine, problem } from './finding.ts'

const LEAST_NODE = 24

/** @param version of the Node in use */
export async function checkRuntime(version = process.versions.node, from = import.meta.dirname): Promise<Finding[]> {
  const node =
    Number(version.split('.')[0]) >= LEAST_NODE
      ? fine('node', `Node ${version}`)
      : problem(
          'node',
          `Node ${version} is too old: ${LEAST_NODE} or newer is needed`,
          'npm ci (it brings Node 26), then: npx portico start',
        )
  const { path, isKnown } = await checkBroughtNode(from)
  if (path === null) return [node]
  if (isKnown) return [node, fine('brought node', `${path} has the known bytes of ${BROUGHT_VERSION}`)]
  return [
    node,
    problem(
      'brought node',
      `${path} is not the Node ${BROUGHT_VERSION} that was looked at: somebody changed it, or it is another version`,
      'Do not run it. rm -rf node_modules && npm ci --ignore-scripts',
    ),
  ]
}
