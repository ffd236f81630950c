/** Runs in each page before anything of its own, and tells `console-page.ts` when it can be used. `wanted` is the row that must be there. */
globalThis.bench = (() => {
  const tasks = []
  const keys = []
  let there = null
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) tasks.push({ end: startTime + duration, duration })
  }).observe({ type: 'longtask', buffered: true })
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) keys.push(duration)
  }).observe({ type: 'event', durationThreshold: 16, buffered: true })

  const isThere = () =>
    document.querySelector('h1') !== null &&
    document.querySelector('[aria-busy="true"]') === null &&
    (wanted === '' || document.querySelector(wanted) !== null)
  const look = () => {
    if (isThere()) there = performance.now()
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)

  return {
    /** When the page came to rest, once it has rested for so long; else false. */
    restedSince(restMs) {
      if (there === null) return false
      const busyUntil = Math.max(there, ...tasks.map(({ end }) => end))
      return performance.now() - busyUntil > restMs ? busyUntil : false
    },
    tell() {
      const answers = performance.getEntriesByType('resource').filter(({ name }) => name.includes('/client/v4/'))
      return {
        longestTaskMs: Math.max(0, ...tasks.map(({ duration }) => duration)),
        longTasks: tasks.length,
        jsonBytes: answers.reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0),
        slowestAnswerMs: Math.max(0, ...answers.map(({ duration }) => duration)),
        nodes: document.querySelectorAll('*').length,
      }
    },
    forgetKeys() {
      keys.length = 0
    },
    slowestKey: () => Math.max(16, ...keys),
  }
})()
