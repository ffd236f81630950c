/** What a piece of work allocates, by function: sampled by V8, counting also what was collected at once. */
import { type HeapProfiler, Session } from 'node:inspector/promises'

export interface Allocations {
  /** Bytes in all. */
  total: number
  /** `function file:line` and its own bytes, the largest first. */
  by: [string, number][]
}

export async function sampleAllocations(work: () => Promise<void>): Promise<Allocations> {
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 4096,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  await work()
  const { profile } = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  const by = new Map<string, number>()
  const total = add(profile.head, by)
  return { total, by: [...by].sort((a, b) => b[1] - a[1]) }
}

function add({ callFrame, selfSize, children }: HeapProfiler.SamplingHeapProfileNode, by: Map<string, number>): number {
  const file = callFrame.url.split('/').slice(-2).join('/')
  const where = `${callFrame.functionName || '(anonymous)'} ${file}:${callFrame.lineNumber + 1}`
  by.set(where, (by.get(where) ?? 0) + selfSize)
  return children.reduce((total, child) => total + add(child, by), selfSize)
}
