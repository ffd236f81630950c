/** Starts both sides in this process, on loopback ports of their own. */
import { startHostileSite } from '../hostile-site.ts'
import { authorizes } from './authorizes.ts'
import type { Desk, Echoing, EchoingOptions } from './model.ts'
import { serves } from './serves.ts'

export async function startEchoing({ id, planted, era, elsewhere, isPlain = false }: EchoingOptions): Promise<Echoing> {
  const [mcp, issuerSite] = [await startHostileSite(), await startHostileSite()]
  const at: Echoing = {
    ...{
      id,
      url: `${mcp.origin}/mcp`,
      issuer: issuerSite.origin,
      places: [mcp.place, issuerSite.place],
      mcp,
      issuerSite,
    },
    ...{ callWay: 'good', tokenWay: 'good', tellsTokens: false, listsEcho: false },
    endAccess: () => desk.good.clear(),
    close: async () => void (await Promise.all([mcp.close(), issuerSite.close()])),
  }
  const desk: Desk = { at, planted, era, elsewhere, isPlain, good: new Set(), before: new Map(), heard: [] }
  issuerSite.answer = authorizes(desk)
  mcp.answer = serves(desk)
  return at
}
