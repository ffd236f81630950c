/**
 * `/metrics`: who may read, and what they are told. Pulled: a portal that nobody scrapes pays nothing, not even for the
 * library, which is loaded by the first reading.
 *
 * This machine may read how much there is; what names servers is for an API token that may read servers (SEC-D12).
 */
import type { Operator } from '../base/principal.ts'
import { rightsOf } from '../contract/rights.ts'
import { type Figures, METRICS, type Metric } from './figures.ts'

export interface MetricsDeps {
  figures(): Figures
  /** @returns null for anything that is not a live API token */
  authenticate(authorization: string): Promise<Operator | null>
}

export interface Scraper {
  authorization: string | undefined
  /** On this machine, through no proxy, and not a web page. */
  isLocal: boolean
}

export interface Exposition {
  contentType: string
  text: string
}

export interface Metrics {
  /** @returns null for who may not read */
  answer(scraper: Scraper): Promise<Exposition | null>
}

type Registries = (withServers: boolean) => Promise<Exposition>

export function openMetrics(deps: MetricsDeps): Metrics {
  let registries: Promise<Registries> | null = null
  return {
    async answer({ authorization, isLocal }) {
      let withServers = false
      if (authorization === undefined) {
        if (!isLocal) return null
      } else {
        // A token that is no good is said to be so, here as everywhere, even where none is needed.
        const operator = await deps.authenticate(authorization)
        if (operator === null || !rightsOf(operator.role, operator.scopes).includes('servers:read')) return null
        withServers = true
      }
      registries ??= openRegistries(deps.figures)
      return (await registries)(withServers)
    },
  }
}

async function openRegistries(figures: () => Figures): Promise<Registries> {
  const { collectDefaultMetrics, Counter, Gauge, Registry } = await import('prom-client')
  const [plain, byServer] = [new Registry(), new Registry()]
  collectDefaultMetrics({ register: plain })
  let read = figures()
  const add = ({ name, type, help, labels, isByServer, read: valuesOf }: Metric) => {
    const options = { name, help, labelNames: [...labels], registers: [isByServer ? byServer : plain] }
    const Kind = type === 'counter' ? Counter : Gauge
    new Kind({
      ...options,
      collect() {
        this.reset()
        for (const row of valuesOf(read)) {
          const values = row.slice(0, -1) as string[]
          this.labels(...values).inc(Number(row.at(-1)))
        }
      },
    })
  }
  for (const metric of METRICS) add(metric)
  return async (withServers) => {
    // One reading for all of them, so that sums agree.
    read = figures()
    const shown = withServers ? Registry.merge([plain, byServer]) : plain
    return { contentType: shown.contentType, text: await shown.metrics() }
  }
}
