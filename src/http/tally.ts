/** Plain counts of what went through the door: increments on the way, read by whoever asks for metrics. */
export class Tally {
  readonly requests = {
    answered: 0,
    refused: 0,
    failed: 0,
    /** Neither done nor answered, because it could not be recorded. */
    unrecorded: 0,
    /** Without a credential that is good here. */
    unauthenticated: 0,
  }
  inFlight = 0
}
