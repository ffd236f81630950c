/** A client of 2026-07-28 that asks over HTTP and nothing more: what it costs is the same for all that is compared. */

const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
}

export interface McpCaller {
  /** @returns the result @throws Error where it is none */
  ask<T>(method: string, params?: Record<string, unknown>): Promise<T>
  /** @returns the text of the result @throws Error where the tool says that it failed */
  call(name: string, input: Record<string, unknown>): Promise<string>
}

/** @param at port and token, and what stands behind the URL's question mark */
export function openCaller({ port, token, query = '' }: { port: number; token: string; query?: string }): McpCaller {
  const url = `http://127.0.0.1:${port}/p/default/mcp${query === '' ? '' : `?${query}`}`

  async function ask<T>(method: string, params: Record<string, unknown> = {}): Promise<T> {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(typeof params.name === 'string' ? { 'mcp-name': params.name } : {}),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: ENVELOPE } }),
    })
    const text = await response.text()
    const { result } = response.ok ? (JSON.parse(text) as { result?: T }) : {}
    if (result === undefined) throw new Error(`${method} answered ${response.status}: ${text.slice(0, 500)}`)
    return result
  }

  return {
    ask,
    async call(name, input) {
      const result = await ask<Called>('tools/call', { name, arguments: input })
      const text = result.content.map((block) => block.text ?? '').join('\n')
      if (result.isError === true) throw new Error(`${name} failed: ${text.slice(0, 500)}`)
      return text
    },
  }
}

interface Called {
  content: { text?: string }[]
  isError?: boolean
}
