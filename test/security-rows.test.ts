/**
 * The threats that are this project's own by now, as data: each has a row in SECURITY.md that cites a test, and a threat
 * that loses its row fails the build. `test/docs.test.ts` proves that the cited tests exist.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MODES } from './support/hostile/modes.ts'

const THREATS = [
  // Definitions and names.
  ...[
    'T1',
    'T2',
    'T3',
    'T5',
    'T6',
    'T7',
    'T8',
    'T9',
    'T10',
    'T11',
    'T12',
    'T13',
    'T14',
    'T15',
    'T16',
    'T17',
    'T18',
    'T19',
  ],
  // Tokens, hosts, and what portals there are.
  ...['O1', 'O2', 'O3', 'O4', 'O5', 'O6', 'O7', 'O8', 'O9', 'O10', 'O11', 'O12'],
  ...['O13', 'O14', 'O15', 'O16', 'O17', 'O18', 'O19', 'O20', 'O21', 'O22', 'O23', 'O24', 'O25'],
  // Credentials of servers.
  ...['C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7', 'C8', 'C9', 'C10', 'C11'],
  // Outgoing connections.
  ...['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7', 'S8', 'S9', 'S10', 'S11'],
  // The protocol at the door.
  ...['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'P11'],
  ...['P12', 'P13', 'P14', 'P15', 'P16', 'P18', 'P19', 'P20', 'P21'],
  // Who sees which list.
  ...['R1', 'R2', 'R3', 'R4', 'R5'],
  // Policy.
  ...['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L7', 'L8', 'L9', 'L10', 'L11', 'L12', 'L13'],
  // Servers that are programs.
  ...['X1', 'X2', 'X3', 'X4', 'X5', 'X6', 'X7'],
  // Code that models write.
  ...['X8', 'X9', 'X10', 'X11', 'X12', 'X13', 'X14'],
  // Data, keys and the audit.
  ...['D1', 'D2', 'D3', 'D4', 'D5', 'D6', 'D7', 'D8', 'D9', 'D10', 'D11', 'D12', 'D13'],
  // The REST API and the command line.
  ...['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7', 'W8'],
  // Everything else.
  ...['G1', 'G2', 'G3', 'G4', 'G5', 'G6', 'G7', 'G8', 'G11', 'G12'],
]

const [, defences = ''] = readFileSync(new URL('../SECURITY.md', import.meta.url), 'utf8').split(
  '## Defences that exist',
)
const [existing = ''] = defences.split('\n## ')
/** The proof of each row, by its id. */
const proofs = new Map(
  existing.split('\n').flatMap((line): [string, string][] => {
    const [, id = '', , , proof = ''] = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
    return id.startsWith('SEC-') ? [[id, proof]] : []
  }),
)

test.each(THREATS)('SEC-%s has a defence that cites a test', (threat) => {
  expect(proofs.get(`SEC-${threat}`) ?? '').toMatch(/`[^`]+\.test\.ts`: ".+"/)
})

test('each attack of the hostile server is cited by the row that it proves', () => {
  const uncited = MODES.filter(({ row, isFlood }) => {
    const file = isFlood ? 'test/journeys/hostile-floods.test.ts' : 'test/journeys/hostile.test.ts'
    return !proofs.get(row)?.includes(`\`${file}\``)
  })
  expect(uncited.map(({ name, row }) => `${row}: ${name}`)).toEqual([])
})

test('each attack of the hostile server has a name of its own', () => {
  const names = MODES.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})
