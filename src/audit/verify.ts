/**
 * Checks a chain from its mark to its end, row by row as they are read, and names what does not agree. It trusts the keys and
 * nothing else: not the hashes that stand in the database, nor its counters.
 *
 * After a row that does not agree it goes on with the hash that stands there, so one edited row is one finding and not
 * a finding for each row behind it.
 */
import { type ChainEnd, chainHash, GENESIS, type Head, type HeadSigner } from './chain.ts'
import type { ChainReader, ChainRow } from './chain-reader.ts'
import type { HeadFile } from './head-file.ts'
import { storedActorHash } from './lines.ts'

export type ProblemKind =
  /** What stands in the row, or its hash, is not what was written. */
  | 'changed'
  /** Two rows have each other's contents. */
  | 'swapped'
  | 'deleted'
  /** The end is missing. */
  | 'cut'
  /** A row that the chain has no place for. */
  | 'inserted'
  /** All hashes agree with each other, and not with what was signed. */
  | 'rewritten'
  /** A head whose signature is not ours, or that can be checked with no key at hand. */
  | 'forged-head'
  | 'actor-changed'
  | 'actor-deleted'
  | 'unsigned'

export interface Problem {
  kind: ProblemKind
  /** First and last row concerned. */
  from: number
  to: number
  text: string
  /** Where it is one row that is still there: its deed, writer and time. */
  deed?: string
  writer?: number
  at?: number
}

export interface Verdict {
  intact: boolean
  rows: number
  /** Rows that are older than the chain, which nothing can be said about. */
  unchained: number
  first: number | null
  last: number | null
  /** Signed heads that agree. */
  heads: number
  /** Rows behind the newest of them. */
  unsigned: number
  /** Heads that were signed with a key that is not at hand. */
  unknownKeys: number
  /** At most PROBLEMS_SHOWN of them. */
  problems: Problem[]
  problemsInAll: number
}

const PROBLEMS_SHOWN = 1000
/** Between so many rows that do not agree, those that changed places are looked for. */
const SUSPECTS = 200
const ACTORS_REMEMBERED = 10_000
/** Every writer signs after 10,000 rows of its own at the latest. */
const UNSIGNED_MOST = 200_000

export interface VerifyOptions {
  reader: ChainReader
  signer: Pick<HeadSigner, 'check'>
  /** Heads kept outside the database. */
  files: readonly HeadFile[]
  /** Begins at the newest signed head before this time; milliseconds since 1970. */
  since?: number
}

/** @throws Error when the database has no chain yet */
export async function verifyChain(options: VerifyOptions): Promise<Verdict> {
  const { reader, since } = options
  const end = await reader.end()
  if (end === null) throw new Error('This audit has no chain yet. Start the portal once with this version.')
  const check = new Check(options)
  const heads = await reader.heads()
  check.takeHeads(heads)
  const mark = heads.find(({ kind }) => kind !== 'head') ?? null
  await check.begin(mark, since === undefined ? null : await reader.firstSince(since))
  for await (const row of reader.rows(check.seq)) check.row(row)
  check.end(end)
  return check.verdict()
}

/** A row that does not agree, with what stood before it. */
interface Suspect {
  row: ChainRow
  previous: string
}

interface Claim {
  head: Head
  where: string
}

class Check {
  readonly #options: VerifyOptions
  readonly #claims = new Map<number, Claim[]>()
  readonly #actors = new Map<string, boolean>()
  readonly #problems: Problem[] = []
  readonly #suspects: Suspect[] = []
  #problemsInAll = 0
  #rows = 0
  #unchained = 0
  #first: number | null = null
  #heads = 0
  #unknownKeys = 0
  /** Behind the last row that a head vouches for. */
  #vouched = 0
  /** The hash that stands at the last row; null behind a gap. */
  #previous: string | null = GENESIS
  /** What the last row's hash should have been, where it was another. */
  #expected: string | null = null
  #newestClaim: Claim | null = null
  seq = 0

  constructor(options: VerifyOptions) {
    this.#options = options
  }

  #found(problem: Problem): void {
    this.#problemsInAll++
    if (this.#problems.length < PROBLEMS_SHOWN) this.#problems.push(problem)
  }

  takeHeads(stored: readonly Head[]): void {
    for (const head of stored) if (head.kind === 'head') this.#claim({ head, where: 'a signed head' })
    for (const { path, head } of this.#options.files) {
      if (head !== 'unreadable') this.#claim({ head, where: `the head in ${path}` })
      else this.#found({ kind: 'forged-head', from: 0, to: 0, text: `${path} holds no head` })
    }
  }

  #claim(claim: Claim): void {
    const { head, where } = claim
    const standing = this.#options.signer.check(head)
    if (standing === 'unknown-key') this.#unknownKeys++
    if (standing === 'forged')
      this.#found({ kind: 'forged-head', from: head.seq, to: head.seq, text: `${where} at row ${head.seq} is forged` })
    if (standing !== 'good') return
    this.#claims.set(head.seq, [...(this.#claims.get(head.seq) ?? []), claim])
    if (this.#newestClaim === null || head.seq > this.#newestClaim.head.seq) this.#newestClaim = claim
  }

  /** @param since the first row of interest, or null for all */
  async begin(mark: Head | null, since: number | null): Promise<void> {
    const standing = mark === null ? 'missing' : this.#options.signer.check(mark)
    if (mark !== null && standing === 'good') {
      this.#goTo(mark)
      await this.#lookBehind(mark)
    } else {
      const why =
        standing === 'missing' ? 'is missing' : standing === 'forged' ? 'is forged' : 'was signed with an unknown key'
      this.#found({ kind: 'forged-head', from: 0, to: 0, text: `the mark where the chain begins ${why}` })
      if (mark !== null) this.#goTo(mark)
    }
    if (since === null) return
    const before = [...this.#claims.values()].flat().filter(({ head }) => head.seq < since && head.seq > this.seq)
    const nearest = before.sort((a, b) => b.head.seq - a.head.seq)[0]
    if (nearest !== undefined) this.#goTo(nearest.head)
  }

  #goTo({ seq, hash }: ChainEnd): void {
    this.seq = seq
    this.#vouched = seq
    this.#previous = hash
  }

  async #lookBehind(mark: Head): Promise<void> {
    const count = await this.#options.reader.countUpTo(mark.seq)
    if (mark.kind === 'start') this.#unchained = count
    else if (count > 0)
      this.#found({
        kind: 'inserted',
        from: 0,
        to: mark.seq,
        text: `${count} rows stand where retention has deleted everything, up to row ${mark.seq}`,
      })
  }

  row(row: ChainRow): void {
    this.#rows++
    this.#first ??= row.seq
    if (row.seq <= this.seq) {
      this.#found({ kind: 'inserted', ...at(row), text: `${nameOf(row)} stands a second time under its number` })
      return
    }
    if (row.seq > this.seq + 1) this.#gap(row)
    this.#content(row)
    this.#who(row)
    this.seq = row.seq
    for (const claim of this.#claims.get(row.seq) ?? []) this.#compare(claim, row)
  }

  #gap(row: ChainRow): void {
    const [from, to] = [this.seq + 1, row.seq - 1]
    const what = from === to ? `row ${from} is` : `rows ${from} to ${to} are`
    this.#found({ kind: 'deleted', from, to, text: `${what} deleted; what follows is ${nameOf(row)}` })
    this.#previous = null
    this.#expected = null
  }

  #content(row: ChainRow): void {
    const hashes = (previous: string): string => chainHash(previous, row.seq, row.journal, row)
    const made = this.#previous === null ? row.hash : hashes(this.#previous)
    const agrees = made !== null && made === row.hash
    // The hash of the row before was edited, and only that: this row agrees with what it should have been.
    const agreesAfterAll = !agrees && this.#expected !== null && hashes(this.#expected) === row.hash
    if (!agrees && !agreesAfterAll) {
      this.#found({ kind: 'changed', ...at(row), text: `${nameOf(row)} was changed` })
      if (this.#previous !== null && this.#suspects.length < SUSPECTS)
        this.#suspects.push({ row, previous: this.#expected ?? this.#previous })
    }
    this.#expected = agrees || agreesAfterAll ? null : made
    this.#previous = row.hash
  }

  #who(row: ChainRow): void {
    const known = this.#actors.get(row.actor)
    const agrees = known ?? (row.who !== null && storedActorHash(row.who) === row.actor)
    if (known !== undefined) return
    if (this.#actors.size >= ACTORS_REMEMBERED) this.#actors.clear()
    this.#actors.set(row.actor, agrees)
    if (agrees) return
    const kind = row.who === null ? 'actor-deleted' : 'actor-changed'
    const what = row.who === null ? 'were deleted' : 'were changed'
    this.#found({ kind, ...at(row), text: `the facts about who acted in ${nameOf(row)}, and maybe in others, ${what}` })
  }

  #compare({ head, where }: Claim, row: ChainRow): void {
    if (head.hash === row.hash) {
      this.#heads++
      this.#vouched = row.seq
      return
    }
    const from = this.#vouched + 1
    const text = `rows ${from} to ${head.seq} were rewritten: ${where} of ${time(head.at)} says otherwise`
    this.#found({ kind: 'rewritten', from, to: head.seq, text })
  }

  /** @param end what the database's own counter says */
  end(end: ChainEnd): void {
    const newest = this.#newestClaim
    const signedEnd = newest !== null && newest.head.seq > this.seq ? newest : null
    const to = Math.max(end.seq, signedEnd?.head.seq ?? 0)
    if (to > this.seq) {
      const why = signedEnd === null ? "the database's own counter" : `${signedEnd.where} of ${time(signedEnd.head.at)}`
      const text = `rows ${this.seq + 1} to ${to} are cut off the end, says ${why}`
      this.#found({ kind: 'cut', from: this.seq + 1, to, text })
    } else if (to < this.seq) {
      const text = `rows ${to + 1} to ${this.seq} stand behind the last that was taken in`
      this.#found({ kind: 'inserted', from: to + 1, to: this.seq, text })
    } else if (end.hash !== this.#previous && end.hash !== this.#expected && this.#problemsInAll === 0) {
      const text = `the database's own note of the last hash does not agree with row ${this.seq}`
      this.#found({ kind: 'changed', from: this.seq, to: this.seq, text })
    }
    if (this.seq - this.#vouched > UNSIGNED_MOST) {
      const text = `rows ${this.#vouched + 1} to ${this.seq} are under no signed head: heads were removed`
      this.#found({ kind: 'unsigned', from: this.#vouched + 1, to: this.seq, text })
    }
  }

  verdict(): Verdict {
    this.#nameSwaps()
    return {
      intact: this.#problemsInAll === 0,
      rows: this.#rows,
      unchained: this.#unchained,
      first: this.#first,
      last: this.#rows === 0 ? null : this.seq,
      heads: this.#heads,
      unsigned: this.seq - this.#vouched,
      unknownKeys: this.#unknownKeys,
      problems: this.#problems,
      problemsInAll: this.#problemsInAll,
    }
  }

  /** What stands in one place and would agree in another was moved. */
  #nameSwaps(): void {
    for (const [i, { row, previous }] of this.#suspects.entries()) {
      for (const { row: other, previous: beforeOther } of this.#suspects.slice(i + 1)) {
        const there = chainHash(previous, row.seq, other.journal, other)
        if (there !== row.hash && there !== other.hash) continue
        const text = `${nameOf(row)} and ${nameOf(other)} have changed places`
        this.#found({ kind: 'swapped', from: row.seq, to: other.seq, text })
        this.#excuse(row.seq + 1, there)
        const back = other.seq === row.seq + 1 ? there : beforeOther
        this.#excuse(other.seq + 1, chainHash(back, other.seq, row.journal, row))
      }
    }
  }

  /** The row behind one that was moved was never touched. */
  #excuse(seq: number, previous: string): void {
    const suspect = this.#suspects.find(({ row }) => row.seq === seq)
    if (suspect === undefined || chainHash(previous, seq, suspect.row.journal, suspect.row) !== suspect.row.hash) return
    const index = this.#problems.findIndex(({ kind, from }) => kind === 'changed' && from === seq)
    if (index < 0) return
    this.#problems.splice(index, 1)
    this.#problemsInAll--
  }
}

function at({ seq, deed, journal, at }: ChainRow): Omit<Problem, 'kind' | 'text'> {
  return { from: seq, to: seq, deed, writer: journal, at }
}

function nameOf({ seq, phase, deed, journal, at }: ChainRow): string {
  return `row ${seq} (${phase} of deed ${deed}, writer ${journal}, ${time(at)})`
}

function time(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? 'at no time' : date.toISOString()
}
