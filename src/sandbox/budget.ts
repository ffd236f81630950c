/** What a run may use where nobody says otherwise: the limits as they are set. */
import { LIMITS, type LimitValues, MIB } from '../config/limits.ts'
import type { Budget } from './model.ts'

export function budgetOf(limits: LimitValues): Budget {
  return {
    wallMs: limits.code_wall,
    cpuMs: limits.code_cpu,
    memoryMiB: LIMITS.code_memory.value / MIB,
    calls: limits.code_calls,
    bytesIn: LIMITS.code_bytes_in.value,
    bytesOut: LIMITS.code_bytes_out.value,
    consoleBytes: LIMITS.code_console.value,
  }
}
