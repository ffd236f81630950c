/** What journeys about people, clients and settings share: real MCP clients, and the way through the provider. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { expect } from 'vitest'
import { faultsEverywhere, type Page } from '../browser.ts'

export interface RealClient {
  /** How many tools it sees. */
  tools(): Promise<number>
  /** The HTTP status by which it is stopped, or null where it is not. */
  stoppedBy(): Promise<number | null>
  close(): Promise<void>
}

/** The SDK's own client, at the default portal. @param headers what it proves itself with */
export async function openRealClient(url: string, headers: Record<string, string>): Promise<RealClient> {
  const client = new Client({ name: 'Desk client', version: '1' }, { capabilities: {} })
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } })
  await client.connect(transport as Transport)
  const tools = async () => (await client.listTools()).tools.length
  return {
    tools,
    async stoppedBy() {
      try {
        await tools()
        return null
      } catch (error) {
        const { code } = error as { code?: number }
        return code ?? 401
      }
    },
    close: () => client.close(),
  }
}

/** From the sign-in page that is open, through the provider's. */
export async function passProvider(page: Page, providerId: string, who: string): Promise<void> {
  const portal = new URL(page.url()).origin
  await page.locator(`form[action="/sign-in/to/${providerId}"]`).getByRole('button').click()
  await page.waitForURL(({ origin }) => origin !== portal)
  await page.goto(`${page.url()}?user=${who}`)
}

/** What stands in the note that shows secrets once, in its order; then it is put away. */
export async function takeSecrets(page: Page, name: string): Promise<string[]> {
  const note = page.getByRole('status').filter({ hasText: 'Shown once' })
  await note.waitFor()
  expect(await faultsEverywhere(page, name)).toEqual([])
  const secrets = await note.locator('pre').allInnerTexts()
  await note.getByRole('button', { name: 'I have kept it' }).click()
  await note.waitFor({ state: 'detached' })
  return secrets
}

/** Asks for a deed and says yes in the dialog. */
export async function confirm(page: Page, button: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: button, exact: true }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}
