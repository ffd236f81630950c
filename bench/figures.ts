/** Turns samples into medians and ratios, and sets the design's figures beside them. Pure. */
import type { SubjectName } from './subjects.ts'

/** One subject under one load in one round. */
export interface Sample {
  round: number
  subject: SubjectName
  connections: number
  requestsPerSecond: number
  /** Milliseconds. */
  median: number
  p99: number
  /** Microseconds of CPU a request, all threads and children of the subject. */
  cpu: number
  /** MiB, after the load. */
  rss: number
}

export interface Ratio {
  what: string
  value: number
  unit: '' | ' ms'
  floor: number
  aim: number
  /** A ratio must reach its floor, an added time must stay below it. */
  better: 'more' | 'less'
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** The median of each column over the rounds. */
export function summarise(samples: readonly Sample[], subject: SubjectName, connections: number): Sample | null {
  const mine = samples.filter((sample) => sample.subject === subject && sample.connections === connections)
  if (mine.length === 0) return null
  const over = (column: keyof Omit<Sample, 'subject'>) => median(mine.map((sample) => sample[column]))
  return {
    round: mine.length,
    subject,
    connections,
    requestsPerSecond: over('requestsPerSecond'),
    median: over('median'),
    p99: over('p99'),
    cpu: over('cpu'),
    rss: over('rss'),
  }
}

/** DESIGN's figures. Each is taken within a round, where the machine was the same for both, and then the median over rounds. */
export function compare(samples: readonly Sample[]): Ratio[] {
  const many = 32
  const throughput = (subject: SubjectName, yardstick: SubjectName, floor: number, aim: number): Ratio[] =>
    withinRounds(samples, many, subject, yardstick, (a, b) => a.requestsPerSecond / b.requestsPerSecond).map(
      (value) => ({
        what: `requests per second at ${many} connections, ${subject} / ${yardstick}`,
        value,
        unit: '',
        floor,
        aim,
        better: 'more',
      }),
    )
  const added = (subject: SubjectName, floor: number, aim: number): Ratio[] =>
    withinRounds(samples, 1, subject, 'nginx', (a, b) => a.median - b.median).map((value) => ({
      what: `median at 1 connection, ${subject} - nginx`,
      value,
      unit: ' ms',
      floor,
      aim,
      better: 'less',
    }))
  return [
    ...throughput('portal', 'relay', 0.65, 0.8),
    ...throughput('portal', 'nginx', 0.22, 0.27),
    ...throughput('portal-disk', 'nginx', 0.17, 0.17),
    ...added('portal', 0.2, 0.15),
    // One fdatasync comes on top, and only the machine knows what that takes.
    ...added('portal-disk', 0.35, 0.35),
  ]
}

/** Empty where the two never met in a round, else the median. */
function withinRounds(
  samples: readonly Sample[],
  connections: number,
  subject: SubjectName,
  yardstick: SubjectName,
  value: (subject: Sample, yardstick: Sample) => number,
): number[] {
  const values: number[] = []
  for (const sample of samples) {
    if (sample.subject !== subject || sample.connections !== connections) continue
    const other = samples.find(
      (each) => each.subject === yardstick && each.connections === connections && each.round === sample.round,
    )
    if (other) values.push(value(sample, other))
  }
  return values.length === 0 ? [] : [median(values)]
}

export function verdict(ratio: Ratio): 'aim reached' | 'floor kept' | 'BELOW THE FLOOR' {
  const reaches = (bound: number) => (ratio.better === 'more' ? ratio.value >= bound : ratio.value <= bound)
  if (reaches(ratio.aim)) return 'aim reached'
  return reaches(ratio.floor) ? 'floor kept' : 'BELOW THE FLOOR'
}
