// What a program of your own tells the MCP SDK so that its person signs in: the same for version 1 and version 2.
// It keeps nothing: a program that runs again and again puts what is saved here where only its user can read it.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'

/** Waits on a port of this machine for the browser to come back. */
export async function openProvider(name) {
  const { promise: came, resolve: arrive } = Promise.withResolvers()
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1')
    if (url.pathname !== '/callback') return response.writeHead(404).end()
    response.end('Signed in. You can close this window.')
    arrive(url.searchParams)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const redirectUrl = `http://127.0.0.1:${server.address().port}/callback`
  const state = randomBytes(32).toString('base64url')
  const saved = {}
  return {
    redirectUrl,
    clientMetadata: {
      client_name: name,
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state: () => state,
    clientInformation: () => saved.client,
    saveClientInformation: (client) => void Object.assign(saved, { client }),
    tokens: () => saved.tokens,
    saveTokens: (tokens) => void Object.assign(saved, { tokens }),
    codeVerifier: () => saved.verifier,
    saveCodeVerifier: (verifier) => void Object.assign(saved, { verifier }),
    redirectToAuthorization: (url) => void process.stderr.write(`Open this in a browser: ${url}\n`),
    /** @returns what the portal said, once the browser is back */
    async callback() {
      const said = await came
      server.close()
      if (said.get('state') !== state) throw new Error('this answer belongs to another sign-in')
      if (said.has('error')) throw new Error(`the portal said: ${said.get('error')}`)
      return said
    },
  }
}
