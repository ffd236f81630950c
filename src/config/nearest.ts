/** Finds what the operator probably meant. */

/** @returns the name within two edits (or a third of its length) of `wrong`, or that begins with it; undefined when none is that near */
export function nearest(wrong: string, names: Iterable<string>): string | undefined {
  const bare = wrong.toLowerCase().replaceAll('-', '_')
  let best: { name: string; far: number } | undefined
  for (const name of names) {
    const isStart = bare.length >= 4 && name.toLowerCase().startsWith(bare)
    const far = isStart ? 1 : distance(bare, name.toLowerCase())
    if (far <= Math.max(2, Math.floor(name.length / 3)) && (best === undefined || far < best.far)) best = { name, far }
  }
  return best?.name
}

/** Damerau-Levenshtein with neighbouring swaps as one edit: `prot` is one slip from `port`. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number) => rows[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i++) {
    rows.push([i])
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : 1e9
      rows[i]?.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same, swapped))
    }
  }
  return at(a.length, b.length)
}
