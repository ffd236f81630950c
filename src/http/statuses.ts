/** Every HTTP status that an MCP client can get from the listener, and when: the reference, and what the fuzzer allows. */

export interface StatusMeaning {
  /** In the words of the reference (Markdown). */
  when: string
  /** Only Node's own server answers so, without a body; nothing of ours is asked. */
  byNode?: true
}

export const HTTP_STATUSES: Readonly<Record<number, StatusMeaning>> = {
  200: { when: 'an answer, also one that is a JSON-RPC error of a server or, for clients of 2025, of the portal' },
  202: { when: 'a notification or a response was taken' },
  204: { when: 'a preflight request of a web page whose origin is listed in `allowed_origins`' },
  400: {
    when: 'not JSON, not a request, headers that do not match the body, a session header that is missing or names another version; also a repeated header or a target that is not in its plain form',
  },
  401: {
    when: 'no credential, an unknown, expired or revoked one, two kinds at once, or one for another portal; always the same answer',
  },
  403: {
    when: 'the caller is known and no policy lets it into this portal, or there is no such portal; also a Host or Origin that is not ours',
  },
  404: { when: 'no such session, or (2026) no such method' },
  405: {
    when: 'another HTTP method than POST, GET and DELETE; also a GET for the rest of a call’s stream that its client has read to the end',
  },
  408: { when: 'the head or the body of a request did not arrive in [its time](settings.md#limits)', byNode: true },
  409: { when: 'the session has an open stream already' },
  413: { when: 'a body of more than 4 MiB' },
  415: { when: 'another content type than JSON, or a content coding' },
  417: { when: 'an `Expect` header with anything but `100-continue`', byNode: true },
  429: {
    when: 'the caller has as many open streams, or as much unread, as one caller may; nothing was done. `Retry-After` says when to try again',
  },
  431: { when: 'the head of a request, or the trailers after its body, have more than 16 KiB', byNode: true },
  500: { when: 'a bug; the log has the details' },
  503: {
    when: 'the audit cannot be written, so nothing is carried out; `/readyz` says so too. Also a stream where the portal has as many as it may',
  },
}
