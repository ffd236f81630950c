/** The console proven from its source: what of the server's it may know, and that nothing of others becomes markup or a script in it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const LONGEST_FILE = 400

/** Schemas are a third of a megabyte of code that the server runs anyway: their types are what the console needs. */
const BY_TYPE_ONLY = /^src\/contract\//
/** These import nothing themselves, or each other. */
const BY_VALUE = /^src\/(?:base\/visible|contract\/client-config)\.ts$/

interface Rule {
  what: string
  code: RegExp
  openTo?: RegExp
}

const RULES: readonly Rule[] = [
  {
    what: 'text becomes markup',
    code: /dangerouslySetInnerHTML|\.innerHTML|insertAdjacentHTML|outerHTML|document\.write/,
  },
  { what: 'text becomes code', code: /\beval\(|new Function\(|srcDoc|<script|<iframe|javascript:/ },
  {
    what: 'a request goes out',
    code: /\bfetch\(|XMLHttpRequest|sendBeacon|new (WebSocket|EventSource)\(/,
    openTo: /^web\/src\/api\/(ask|tail)\.ts$/,
  },
  {
    what: 'something is remembered in the browser',
    code: /\b(local|session)Storage\b|document\.cookie|indexedDB/,
    openTo: /^web\/src\/parts\/remembered\.ts$/,
  },
  {
    what: 'an address of others is a link',
    code: /href=\{(?!safeHref|`\/|'\/|")/,
    openTo: /^web\/src\/parts\/outside\.tsx$/,
  },
]

function faultsIn(path: string, source: string): string[] {
  const bare = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const faults = RULES.filter(({ code, openTo }) => code.test(bare) && !openTo?.test(path)).map(
    ({ what, code }) => `${path}: ${what}: ${code.exec(bare)?.[0]}`,
  )
  for (const [, isType, specifier = ''] of source.matchAll(
    /^(?:import|export)\s+(type\s)?[^'";]*?from '(\.[^']+)'/gm,
  )) {
    const target = posix.join(posix.dirname(path), specifier)
    if (target.startsWith('web/')) continue
    const isFree = BY_VALUE.test(target) || (BY_TYPE_ONLY.test(target) && isType !== undefined)
    if (!isFree) faults.push(`${path}: may not know ${specifier}`)
  }
  const lines = source.trimEnd().split('\n').length
  if (lines > LONGEST_FILE) faults.push(`${path}: ${lines} lines, more than ${LONGEST_FILE}`)
  if (!/^\s*(\/\*\*|\/\/)/.test(source)) faults.push(`${path}: does not begin by saying what it is for`)
  return faults
}

const sources = readdirSync(join(ROOT, 'web', 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
  .map((entry) => posix.relative(ROOT, posix.join(entry.parentPath, entry.name)))

describe('the console', () => {
  test('there is one to look at', () => {
    expect(sources.length).toBeGreaterThan(10)
  })
  // [W1]
  test('it knows the shapes of the REST API and nothing else of the server, and makes nobody’s text markup, code or a link', () => {
    expect(sources.flatMap((path) => faultsIn(path, readFileSync(join(ROOT, path), 'utf8')))).toEqual([])
  })
})

describe('each rule can fail', () => {
  const bad = [
    "import { portalShown } from '../../../../src/contract/portal.ts'",
    "import type { Store } from '../../../../src/store/open.ts'",
    "import { openStore } from '../../../../src/store/open.ts'",
    '<p dangerouslySetInnerHTML={{ __html: text }} />',
    'element.innerHTML = text',
    "eval('1')",
    '<a href={server.hostname}>',
    "await fetch('/client/v4')",
    "localStorage.setItem('a', 'b')",
  ]
  test.each(bad)('%s', (line) => {
    expect(faultsIn('web/src/pages/x/y.tsx', `/** A page. */\n${line}\n`)).toHaveLength(1)
  })
  test('what is allowed is no fault', () => {
    const good = [
      '/** A page. */',
      "import type { PortalShown } from '../../../../src/contract/portal.ts'",
      "import { visible } from '../../../../src/base/visible.ts'",
      "import { Page } from '../../parts/page.tsx'",
      '<a href="/sign-out">',
    ]
    expect(faultsIn('web/src/pages/x/y.tsx', good.join('\n'))).toEqual([])
  })
})
