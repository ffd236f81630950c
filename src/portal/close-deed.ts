/** What the audit is told of a deed that is over, from what came of it. */
import type { DeedEnd } from '../audit/event.ts'
import { Fault } from '../base/fault.ts'
import type { Reply } from '../protocol/model.ts'
import type { Outcome } from './checkpoint.ts'

/** In place: the checkpoint has written down what it learned on the way. */
export function closeDeed(end: DeedEnd, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'answered':
      closeAnswered(end, outcome.reply)
      return
    case 'refused':
      end.outcome = 'refused'
      end.decision = 'deny'
      end.error = outcome.reason
      if (outcome.rule !== null) end.rule = outcome.rule
      return
    case 'failed': {
      const { error } = outcome
      end.outcome = error instanceof Fault && error.code === 'cancelled' ? 'cancelled' : 'failed'
      end.error = error instanceof Fault ? error.code : 'bug'
      if (error instanceof Fault && error.credential !== null) end.credential = error.credential
    }
  }
}

function closeAnswered(end: DeedEnd, reply: Reply): void {
  if (reply.kind === 'raw') {
    end.outcome = reply.outcome === 'error' ? 'error' : reply.has.isError ? 'tool-error' : 'answered'
  } else if (reply.kind === 'error') {
    end.outcome = 'error'
    end.error ??= String(reply.error.code)
  } else {
    end.outcome = reply.kind === 'result' && reply.result.isError === true ? 'tool-error' : 'answered'
  }
}
