/** A request and its answer as Node has them: the one form in which oidc-provider can be asked. Listening is `http/`'s. */
export type { IncomingMessage as NodeRequest, ServerResponse as NodeResponse } from 'node:http'
