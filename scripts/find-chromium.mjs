// Prints where the browser of the page tests is: what PORTICO_TEST_CHROMIUM names, else the first that the PATH has. Plain JavaScript,
// because `need.mjs` asks it on any Node.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// The first is Chromium without what draws its own window, which tests pay for with every page and never see.
const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** @returns the program's path, or null where there is none */
export function findChromium(env = process.env) {
  if (env.PORTICO_TEST_CHROMIUM) return runs(env.PORTICO_TEST_CHROMIUM) ? env.PORTICO_TEST_CHROMIUM : null
  const places = (env.PATH ?? '').split(delimiter).filter((place) => place !== '')
  return NAMES.flatMap((name) => places.map((place) => join(place, name))).find(runs) ?? null
}

function runs(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = findChromium()
  if (found === null) process.exitCode = 1
  else process.stdout.write(found)
}
