/** Uses a core, and does nothing else: what others lose beside it, they lose to the machine. Ends with its parent. */
const PIECE_MS = 200

function spin(): void {
  const until = performance.now() + PIECE_MS
  while (performance.now() < until);
  setImmediate(spin)
}

process.on('disconnect', () => process.exit(0))
process.send?.({ listening: 0 })
spin()
