/**
 * What is remembered of one call while its person is asked: what was put and what was told. In 2026 it travels in the sealed state, so
 * it is what this program wrote; in 2025 it stays with the call. The notes of a question that is put later carry it on.
 */
import type { JsonObject } from '../protocol/model.ts'
import type { Scene } from './scene.ts'

const TOPIC = 'demands'

export interface Turn {
  /** Questions put so far; the last one's kind is made of it. */
  questions: number
  /** The answer to the last one is known. */
  isTaken: boolean
  /** Where the person does it. */
  page: string | null
  /** What the demand itself has to remember. */
  state: Readonly<Record<string, string | number | null>>
}

export interface Memory {
  /** By policy. */
  purposes: Readonly<Record<string, string>>
  /** By what was asked for. */
  turns: Readonly<Record<string, Turn>>
}

const EMPTY: Memory = { purposes: {}, turns: {} }

export function memoryOf({ errand }: Pick<Scene, 'errand'>): Memory {
  return (errand.notes?.[TOPIC] as unknown as Memory | undefined) ?? EMPTY
}

export function remembering(scene: Scene, memory: Memory): Scene {
  return { ...scene, errand: { ...scene.errand, notes: { ...scene.errand.notes, ...notesOf(memory) } } }
}

export function notesOf(memory: Memory): Readonly<Record<string, JsonObject>> {
  return { [TOPIC]: memory as unknown as JsonObject }
}

export function withTurn(memory: Memory, topic: string, turn: Turn): Memory {
  return { ...memory, turns: { ...memory.turns, [topic]: turn } }
}

export function withPurpose(memory: Memory, policy: string, text: string): Memory {
  return { ...memory, purposes: { ...memory.purposes, [policy]: text } }
}
