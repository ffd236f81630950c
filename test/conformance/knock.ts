/** The client that the suite starts for each scenario: it hands the scenario to the harness, whose address is its first argument, and ends as that says. */
const [, , harness = '', server = ''] = process.argv
const { MCP_CONFORMANCE_SCENARIO, MCP_CONFORMANCE_CONTEXT, MCP_CONFORMANCE_PROTOCOL_VERSION } = process.env

const response = await fetch(harness, {
  method: 'POST',
  body: JSON.stringify({
    scenario: MCP_CONFORMANCE_SCENARIO ?? '',
    version: MCP_CONFORMANCE_PROTOCOL_VERSION ?? '',
    context: JSON.parse(MCP_CONFORMANCE_CONTEXT ?? '{}'),
    server,
  }),
})
const { problem } = (await response.json()) as { problem: string | null }
if (problem !== null) {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
