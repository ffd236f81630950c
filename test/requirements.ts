/**
 * What we promise today, and where each promise comes from. A test cites a promise by its id, `[ID]`, in its title or in a
 * comment on the line directly above it; `requirements.test.ts` fails where a promise has no test, or a citation no
 * promise. That the portal is small and fast is measured by `bench/`, not promised here.
 */
export interface Requirement {
  id: string
  /** A specification's clause, or a promise of our own design. */
  source: string
  /** What holds, in one sentence. */
  promise: string
}

const own = (id: string, promise: string): Requirement => ({ id, source: 'our design', promise })
const from =
  (source: string) =>
  (id: string, promise: string): Requirement => ({ id, source, promise })

const rfc = from('OAuth 2.1; RFC 7591, 7636, 8707, 9700')
const external = from('Cloudflare Access: External Evaluation rules')
const http2025 = from('MCP 2025-11-25, Transports: Streamable HTTP')
const http2026 = from('MCP 2026-07-28, Transports: Streamable HTTP')

export const REQUIREMENTS: readonly Requirement[] = [
  rfc('OAUTH-1', 'A client that registers itself gets tokens for a portal once a person has signed in and said yes.'),
  rfc(
    'OAUTH-2',
    'Refreshes of one token at the same time give one successor; a replay later ends all that came of it.',
  ),
  rfc(
    'OAUTH-3',
    'A code is good once, for its client, redirect, resource and challenge; shown twice, it ends what it gave.',
  ),
  rfc('OAUTH-4', 'Every client needs a challenge by S256, those with a secret too.'),
  own('OAUTH-5', 'A token opens its own portal, at each of its addresses, and nothing else.'),
  own('OAUTH-6', 'Policies are asked at each refresh, and a grant that they do not allow any more gives nothing.'),
  rfc('OAUTH-7', 'A token that its client gives back ends the whole grant.'),
  own(
    'OAUTH-9',
    'A sign-in that begins at one replica goes on at any other, and what is revoked at one is refused at all.',
  ),
  own('OAUTH-8', 'An authorization is answered in the browser that began it, and in no other.'),
  rfc('OAUTH-10', 'The conformance suite of the protocol finds the authorization server good, and skips nothing.'),
  own(
    'OAUTH-11',
    'Clients that people have sign in, call tools, renew by themselves, and are stopped when that is taken back.',
  ),

  own(
    'APPROVE-1',
    'What others agreed to is this very call of this caller by this grant, under these terms, once, within a quarter of an hour.',
  ),
  own(
    'APPROVE-2',
    'It takes as many different people as the policy says, none of them who asks; a link that is followed decides nothing.',
  ),
  own('APPROVE-3', 'Identical requests for approval are one, whichever replica they came to.'),
  own('APPROVE-4', 'A caller has three requests for approval that wait, and makes twenty an hour, over all replicas.'),
  own('APPROVE-5', 'A call that waits for approval goes on by itself, in either era, when others agreed.'),
  own(
    'APPROVE-6',
    'Who cannot be asked is told who must agree and where, and never let through; the next identical call passes.',
  ),
  own('APPROVE-7', 'An approver reads who asks, what for and for what, with whatever cannot be seen made visible.'),
  own('APPROVE-8', 'After a wait a call is decided again: what was denied meanwhile is not done.'),
  own('APPROVE-9', 'What waits for approval outlives a restart, and goes on at any replica.'),
  own('PURPOSE-1', 'Where a policy wants to know what for, the person is asked, and the audit keeps what they said.'),
  own('PURPOSE-2', 'Who cannot be asked what for gets a page of their own, and is not let through before.'),
  own('STEPUP-1', 'Where a policy wants a newer or stronger sign-in, the person signs in again and the call goes on.'),
  own(
    'STEPUP-2',
    'A sign-in that cannot be what a policy wants ends the call with the reason, and goes in no circles.',
  ),
  own('TEMPORARY-1', 'Access that is given until a time ends at that time, in calls and in lists.'),

  own(
    'DESK-1',
    'An account at a server is connected in the browser, by the person and at the server that it was begun for, and by their word after they saw whose it is.',
  ),
  own(
    'DESK-2',
    'A server that lies about its authorization server gets no code, verifier, secret or token of another, and leads the portal to no place inside.',
  ),
  own('DESK-3', 'No browser is sent anywhere but to https, or to this very machine.'),
  own('DESK-4', 'A server that is made again inherits nothing that was begun or connected before.'),

  own('AUDIT-1', 'After kill -9 under load no answered call is missing, and every side effect has its begun row.'),
  own('AUDIT-2', 'Where the audit cannot be written, nothing is carried out.'),
  own('AUDIT-3', 'A deed has two rows, begun and ended, with who, what, the decision and how it ended.'),
  own('AUDIT-4', 'Requests that are refused before anybody is known are counted in the audit, not written one by one.'),
  own('AUDIT-5', 'A stored audit row that was changed, removed, moved or cut off is named by a check.'),
  own('AUDIT-6', 'What others wrote forges no row and drives no terminal or spreadsheet, in logs, lists and CSV.'),

  own('GATE-1', 'Forbidden and unknown are the same bytes outside and two rows inside, and no server is reached.'),
  own('GATE-2', 'Nothing that is denied is listed.'),
  own('GATE-3', 'A name has one owner in a portal, whoever asks.'),
  own('GATE-4', 'Who may not enter a portal learns nothing of it, not even that it exists.'),
  own('GATE-5', 'A server is reached only if the portal and the server allow; silence is a no.'),
  own('GATE-6', 'What a caller switches off is off for that caller alone.'),
  own('GATE-7', 'A request is judged by what holds when it is carried out, however long its body takes.'),
  own('GATE-8', 'A server whose last policy goes is closed, by whichever way it went, until somebody says otherwise.'),

  own(
    'EGRESS-1',
    'A socket goes only to an address that was judged for it; inner ones are closed unless the owner opened them.',
  ),
  own('EGRESS-2', 'What is refused and what is dead are told alike.'),
  own('EGRESS-3', 'A call or a list goes through at most three portals.'),

  own('DEFINITION-1', 'A definition that is not as it was approved is neither shown nor reached, in any way.'),
  own('DEFINITION-2', 'What an admin approves is exactly what was seen, and then it is offered.'),
  own('DEFINITION-3', 'A change towards harmless, and what hides characters, is held in every mode.'),

  own('BACKUP-1', 'A token that was revoked after the backup is refused after the restore.'),
  own('BACKUP-2', 'A restore ends every token and session of before, unless it is told not to.'),
  own('BACKUP-3', 'A backup holds no key, no token and no secret in the clear.'),
  own('KEYS-1', 'After a key is retired it opens nothing that is stored.'),
  own('UPGRADE-1', 'A start that is killed in any migration is gone through by the next one.'),
  own('DOCTOR-1', 'A broken set-up is named with what to type next, and no secret is printed.'),
  own('SUPPLY-1', 'A brought Node with one byte changed is noticed, in the checks of a change and by doctor.'),
  own('SUPPLY-2', 'A package that is not pinned by its hash, or runs something when it is installed, stops a change.'),
  own('SUPPLY-3', 'The bill of materials names each published package with version, licence and hash.'),

  own('SANDBOX-1', 'Code that takes CPU or memory without end is stopped, and nothing else is.'),
  own('SANDBOX-2', 'Code reaches the functions that it was given, and nothing of the portal by them.'),
  own('SANDBOX-3', 'Code has no shared memory, no compiled modules and no other realm.'),
  own('SANDBOX-4', 'Nothing of a run is there for the next one.'),
  own('SANDBOX-5', 'A function is called when code calls it, whatever its name is.'),
  own('SANDBOX-6', 'A run shares its process with no other that is under way: what ends one ends no other.'),
  own('SANDBOX-7', 'A process of the sandbox that lies loses its own run, and nothing else comes of it.'),
  own('SANDBOX-8', 'Where the system offers it, a process that was taken over reaches no file, network or process.'),
  own('SANDBOX-9', 'No other build of the isolate is loaded than the one that was looked at.'),

  own('ERA-1', 'Clients of either era reach servers of either era, over every transport, on one URL.'),
  http2026('ERA-2', 'Headers that do not match the body are refused with 400 and -32020.'),
  from('MCP 2026-07-28, Versioning')('ERA-3', 'A method that an era does not have is not found in it.'),
  http2025('ERA-4', 'A request without its session is 400, with an unknown or ended one 404.'),
  from('MCP 2025-03-26, Transports')('ERA-5', 'A batch is answered member by member.'),
  from('MCP 2026-07-28, Subscriptions')('ERA-6', 'A listener is acknowledged before it hears anything.'),
  from('MCP 2025-11-25 and 2026-07-28, Progress')('ERA-7', "Progress carries the caller's own token."),
  from('MCP 2025-11-25 and 2026-07-28, Cancellation')('ERA-8', 'A call that is given up is cancelled at the server.'),
  from('MCP 2026-07-28, Caching')(
    'ERA-9',
    'Lists and reads are private to their caller and say how long they may be kept.',
  ),
  from('MCP 2026-07-28, SEP-2106')(
    'STRUCTURED-1',
    'A tool whose structured results are no objects is listed to and called by clients of 2025 too, in the shape of their revision.',
  ),
  from('MCP 2026-07-28, Basic: `_meta`')(
    'TRACE-1',
    'A caller’s trace goes on to servers of either era, from clients of either; what its other systems know of it (`baggage`) does not.',
  ),
  own('CACHE-1', 'The portal keeps no copy of what was read, and no cache on the way is let keep an answer.'),
  own(
    'CACHE-2',
    'What a server calls public is called so only where an admin believes it and anybody at all is given the same.',
  ),
  http2025('ERA-10', 'A client tries Streamable HTTP first and HTTP+SSE where that is not there.'),
  http2025('ERA-11', 'A request of a page from a foreign origin is 403.'),

  own('HEAL-1', 'A server that was started again answers the next call.'),
  http2025('HEAL-2', 'A session that the server has forgotten is made anew, and the call goes through.'),
  own('HEAL-3', 'A server that is down or slow holds up nobody else.'),
  own('HEAL-4', 'A call that may have had an effect is not sent twice.'),
  own('HEAL-5', 'A server that does not answer costs its callers nothing, and is found again when it does.'),

  from('MCP 2025-11-25, Authorization: token passthrough')('CRED-1', "The client's token never reaches a server."),
  own('CRED-2', 'A copy of the database holds no secret that opens anything.'),
  own('CRED-3', 'Credentials are written and never read back.'),
  own('CRED-6', 'A server that echoes its credential in an error shows it to no caller, log or audit.'),
  own(
    'CRED-7',
    'What was connected for a server ends, by every door, once the server is something else or goes elsewhere.',
  ),
  own(
    'CRED-8',
    'What connects an account, from its code to its tokens, is in no answer, page, log, audit or copy of the database, and is told to nobody else, whatever servers repeat.',
  ),
  from('RFC 6750, section 2')('CRED-4', 'A token is taken from the Authorization header and from nowhere else.'),
  from('RFC 8707, section 2')('CRED-5', 'An access token is good for its own portal and for no other.'),

  from('JSON-RPC 2.0, section 5')('CALLER-1', 'Two callers with one id at one moment each get their own answer.'),
  from('MCP 2025-11-25, Security: session hijacking')('CALLER-2', "A session is nobody else's."),
  from('JSON-RPC 2.0, section 5')('CALLER-3', 'What is not exactly one answer to our request is refused.'),
  from('HTML Living Standard, Server-sent events')('CALLER-4', 'No text of a server becomes an event of its own.'),

  own('IDENTITY-1', 'A server that asks is told who calls by a statement that it can verify with published keys.'),
  own('IDENTITY-2', 'A statement of who calls goes to the server that it is for and to no other.'),
  own('IDENTITY-3', 'A server that does not ask is told nothing of who calls.'),
  own('IDENTITY-4', 'Who calls is told in no header that frames, routes, authorises or speaks for the protocol.'),
  own('IDENTITY-5', 'A statement of who calls is in no audit, log, answer, database or file.'),
  own('IDENTITY-6', 'Who is signed in is told to their own browser, and to no page of another site.'),

  own('SERVICE-1', 'A service token counts alone and whole, or it opens nothing: bad is 401, not allowed is 403.'),
  own('SERVICE-2', 'A service token is let in by non_identity policies alone, at the portal and at the server.'),
  own(
    'SERVICE-3',
    'A known service token that opened nothing is in the audit with its reason; an unknown one is counted.',
  ),

  own('REPLICA-1', 'Any process with the key and the store serves a session.'),
  own('REPLICA-2', 'What one replica changes, the others follow.'),
  own('REPLICA-3', 'SIGTERM finishes what is under way and ends with 0.'),
  own('REPLICA-4', 'Where a replica dies, no call fails but those that were under way there.'),

  own('CLOSED-1', 'The first start listens on this machine and writes the owner token into a private file.'),
  own('CLOSED-2', 'Anything but a loopback address needs an https public URL.'),
  own('CLOSED-3', 'Programs are added by the file, or by the owner on this machine.'),
  own('CLOSED-4', 'The demo refuses to be reached from elsewhere.'),

  own('CHILD-1', "No credential but the owner's own, used directly on the machine, makes the portal run a program."),
  own('CHILD-2', 'Where the operator lists programs, no other is registered or started.'),
  own('CHILD-3', 'A package runner is given exact versions, or is not run.'),
  own(
    'CHILD-4',
    'A child inherits no variable, directory or descriptor of the portal, and may not be given a loader variable.',
  ),
  own(
    'CHILD-5',
    "A server cannot be pointed at the portal's data or keys; behind a wrapper or as another user it cannot reach them.",
  ),
  own('CHILD-6', 'A child has limits of memory, files and processes that it cannot raise.'),
  own('CHILD-7', 'A child that floods, stalls or will not go is ended with its group, and nobody else notices.'),

  from('MCP 2025-06-18, 2025-11-25 and 2026-07-28')(
    'ASK-1',
    'The person behind a client is asked in the way that the client declared; one that cannot be asked gets the link.',
  ),
  own(
    'ASK-2',
    'An answer counts once, for the caller, portal, target and input that were asked about, and not for long.',
  ),
  own('ASK-3', 'What a person switched off on the page, no model switches on.'),
  own('ASK-4', 'A page that is made for one person shows and does nothing for another.'),

  own(
    'CONNECT-1',
    'A call that needs an account of its caller asks for it, and the same call is answered with it, in either era.',
  ),
  own(
    'CONNECT-2',
    'Where the person says no or the caller gives up, the call ends at once and the server has heard nothing.',
  ),
  from('MCP 2025-11-25 and 2026-07-28, Authorization: step-up')(
    'CONNECT-3',
    'A server that wants more rights gets them by a page that names them, never by an answer to the client itself.',
  ),
  own('CONNECT-4', 'Whatever a server goes on to ask for, a call asks so often and then ends with the page to open.'),
  own('CONNECT-5', 'A client that cannot ask a person gets the link, and who opens it calls again.'),
  own(
    'CONNECT-6',
    'A caller is told whose credential its calls carry, how its own is and what mends it, and nothing of others.',
  ),

  own('PAGE-1', 'Every state of every page is readable by everyone, in light and dark, down to 375 pixels.'),
  own('PAGE-2', 'Signing in and letting a client in work by keyboard alone and without script.'),
  own('PAGE-3', 'Every page refuses to be framed, scripted or sniffed.'),
  own('PAGE-4', 'Who is not signed in is told of no server, tool, person or other portal.'),
  own('PAGE-5', 'Signing out ends every browser and every client of a person, at once, and says what it did.'),
  own(
    'PAGE-6',
    'Of a client a person is shown first what is proven; what it says of itself is quoted and deceives by no character.',
  ),
  own('PAGE-7', 'Signing in leads to a page of ours and nowhere else.'),
  own(
    'OWN-1',
    'However many call at once, and whatever becomes of their credentials meanwhile, no call carries the credential of another.',
  ),
  own(
    'OWN-2',
    'A credential is renewed before it ends, once for all who want it, and once where the server refuses it.',
  ),
  own(
    'OWN-3',
    'A connection that was taken back, here or there, is used no more, and its person learns what mends it.',
  ),
  own('OWN-4', 'What one authorization server gave is never shown to another that a server names in its place.'),
  own(
    'OWN-5',
    'An authorization server that does not prove who it is gets no person and no code, and nothing of it is kept.',
  ),
  own('OWN-6', 'A call that needs more rights than its connection has says so, and the connection stays what it is.'),
  own('OWN-7', 'A stored connection that was moved, put back or sealed by a lost key opens for nobody.'),
  from('MCP 2025-11-25 and 2026-07-28')(
    'OWN-8',
    'The portal passes all that the conformance suite requires of a client, and the extensions of authorization that it has.',
  ),

  own(
    'PAGE-8',
    'An account is connected by the word of the person who began it alone, once they have seen whose it is.',
  ),
  own('PAGE-9', 'A link or a way back that changes hands, comes twice or comes too late connects nothing.'),
  own('PAGE-10', 'On their home people see what they have connected and what is wrong with it, and end it.'),
  own('SIGNIN-1', 'The link that makes the first owner is looked at without harm, works once, and is kept nowhere.'),
  own('SIGNIN-2', 'Wrong passwords make whoever tries them wait, longer each time, on all replicas together.'),
  own('SIGNIN-3', 'A known and an unknown address are told alike, and take as long as each other.'),
  own('SIGNIN-4', 'A mailed PIN is good in the browser that asked, for ten minutes, five tries and one use.'),
  own('SIGNIN-5', 'Nobody can have strangers mailed, or learn by a PIN who is known.'),
  own('SIGNIN-6', 'The first owner can come from the settings, once.'),
  own('SIGNIN-7', 'The last owner cannot be removed.'),
  own('SIGNIN-9', 'A person sets their password by a link that works once; what the account had until then ends.'),
  own('SIGNIN-8', 'Nobody gives or takes away a role that is more than they hold.'),
  own('SETUP-1', 'A newcomer comes from the first start to a connected client in four steps, by forms alone.'),
  own('SETUP-2', 'What the set-up changes, it changes by the REST API in its owner’s name, and the audit says so.'),
  own('SETUP-3', 'What the set-up stores is in force at the next start, and is the last that is asked.'),
  own('SETUP-4', 'Nobody but an owner sees or changes anything in the set-up.'),
  own('SETUP-5', 'Looking at the set-up changes nothing and asks nobody.'),
  rfc(
    'IDP-1',
    'Only what proves who somebody is, from the provider that was asked, to the browser that asked, signs in.',
  ),
  own('IDP-2', 'No provider has another’s accounts, or speaks for addresses of domains that are not its own.'),
  own('IDP-3', 'Groups that a provider does not say are not known, which is never none.'),
  own('IDP-4', 'Who is gone at the provider, or came through one that is removed, is signed out and holds nothing.'),
  own('IDP-5', 'The secret of a provider goes only where it was given for, and is shown to nobody.'),

  own('API-1', 'The official Cloudflare SDK drives the API by changing its base URL.'),
  own('API-2', 'Each route asks for one right, and each role has its rights and no others.'),
  from('OpenAPI 3.1')('API-3', 'Every route is described.'),
  own('API-4', 'What the configuration file declares is changed there and nowhere else.'),
  own('API-5', 'No page of another origin makes a browser change or read anything with the session of its person.'),
  own(
    'API-7',
    'The official Cloudflare SDK drives policies, groups, lists and apps, and what its documentation shows is accepted unchanged.',
  ),
  own('API-6', 'An owner who can sign in is left, whoever is switched off, and nobody touches who may do more.'),
  own('REVOKE-1', 'Who is revoked at one replica is out at all of them: browsers, clients, tokens and open streams.'),

  own('LIMIT-1', 'A caller that holds too much open or unread is told so or cut off, and no other caller notices.'),
  own('LIMIT-2', 'A caller has so many sessions over all replicas; the least recently used one makes room.'),
  own('LIMIT-3', 'What a client that goes away held is given back.'),
  own('STRICT-1', 'The value that was judged is the value that is sent, over every transport.'),
  own('STRICT-2', 'A request that could be framed, routed or read in two ways is refused.'),

  own('METRICS-1', 'Metrics are for this machine, and for an API token that may read servers.'),

  from('Standard Webhooks 1.0.0')(
    'NOTICE-1',
    'What happens to a shared credential is logged, audited and delivered signed.',
  ),
  own('NOTICE-2', 'What a receiver missed comes again, under the same id, for a day and more, restarts or not.'),
  from('Standard Webhooks 1.0.0')('NOTICE-3', 'A receiver that says 410 is told no more, and the audit says so.'),
  own('NOTICE-4', 'A slow or dead receiver delays nobody else’s deliveries.'),
  own(
    'NOTICE-5',
    'The secret of a webhook is answered once and is in no log, audit row, delivery, answer or dump after.',
  ),
  own('NOTICE-6', 'Of several replicas one sends each delivery.'),
  own(
    'NOTICE-7',
    'A delivery goes to public https only, unless an owner opened the very place; no redirect is followed.',
  ),
  own(
    'NOTICE-8',
    'Admins are told once before a shared credential dies, once when it did, and once when it is mended.',
  ),

  external(
    'EXT-1',
    'An external evaluator is told who calls in a JWT of ours, and its own JWT with our nonce decides.',
  ),
  own('EXT-2', 'An answer of an evaluator is kept for a minute at most, for this very caller from this very place.'),
  own('EXT-3', 'An answer that is not signed, not to this question, not in time or not about this caller is none.'),
  own('EXT-4', 'An evaluator that hangs, floods or is down costs two seconds at most, and stops no other.'),
  own('EXT-5', 'An evaluator inside our network is asked only where a setting names its place.'),

  own('BYPASS-1', 'Who shows no credential is told to sign in, unless a bypass policy lets in who comes from there.'),
  own('BYPASS-2', 'Whom a bypass alone let in is written down, and is lent no credential that the portal holds.'),
  own('BYPASS-3', 'A server may say that such calls have its credential; what is a person’s own they never have.'),
  own('BYPASS-4', 'A credential that is wrong is wrong at every portal, whatever its policies.'),
  own('BYPASS-5', 'An anonymous caller has sessions, switches and streams, for its own network address alone.'),

  own('GEO-1', 'The country of an address is what the file of countries says, and not known where it says nothing.'),
  own('GEO-2', 'A file of countries that cannot be used stops the start, and says why.'),
  own('GEO-3', 'A file of countries that is replaced is read anew; where it cannot be, the old one stands.'),
  own('CERT-1', 'Certificates of clients are known from a trusted proxy only, and from one header of it.'),
  own('CERT-2', 'A header about certificates that nobody could be believed about stops the start.'),
  own('CERT-3', 'The common name is the one that the certificate has, whatever its other fields say; of two, none.'),

  own('SURFACE-1', 'No surface lists or reaches what policies deny, and every surface has what they allow.'),
  own('SURFACE-2', 'Forbidden and unknown are the same bytes for every kind of bad request.'),
  own('SURFACE-3', 'Rules see a server, a kind and its own name for a thing, however it was spelled.'),
  own('SURFACE-4', 'A call whose arguments a rule refuses is told so, and the server does not hear of it.'),
  own('SURFACE-5', 'A change of policy is in force at the next request, at every replica within a second.'),
  own(
    'SURFACE-6',
    'Open streams hear of what was given and taken, also by time alone, and end with the right to be here.',
  ),
  own('SURFACE-7', 'What waits while it is forbidden is refused when it goes on.'),

  own('CONTEXT-1', 'Searches, calls by name and code find and reach what a list and a call would, and nothing else.'),
  own('CONTEXT-2', 'A client that is shown less of its tools is told of a change only where what it is shown changed.'),
  own(
    'CONTEXT-3',
    'In each mode a model is told how to find and call tools, and in code mode a thousand of them cost it at most 700 tokens.',
  ),

  own('COST-1', 'What tools cost a model in each mode is told as it is measured, losses and whole tasks included.'),
  own(
    'COST-2',
    'What tools cost a model is told of a portal in use, as a person or bot of it is shown them in each mode.',
  ),

  own('CODE-1', 'A call that code makes is a deed of its own, part of the run, held to every limit that a call has.'),
  own(
    'CODE-2',
    'What a nested call asks of a person is asked in their client’s era while the clock of the code stands.',
  ),
  own('CODE-3', 'A run that waits for its client is that caller’s alone, for the same code, and is answered once.'),
  own('CODE-4', 'A run ends with its client’s request and token, and does nothing that was denied meanwhile.'),
  own(
    'CODE-5',
    'Whatever servers, models and processes do, a run ends with words that say why, and no other run with it.',
  ),
  own('CODE-6', 'One caller’s code keeps nobody else’s from its turn, however much of it there is.'),

  own('EXPLAIN-1', 'Policies can be tried on everybody whom the portal knows before they are used.'),
  own('EXPLAIN-2', 'What is explained is what a call gets, whoever asks, for whatever, by whichever name.'),
  own('EXPLAIN-3', 'An explanation names the rule, what of it holds, and what would make it another answer.'),
  own('EXPLAIN-4', 'A change of policies says who would gain or lose what, and where that cannot be told.'),
  own('EXPLAIN-5', 'External evaluators hear of somebody who did not come only if whoever explains says so.'),

  own(
    'CALLS-1',
    'Calls are counted by who calls, which server and which tool, whatever name, token, session, era or batch they come by.',
  ),
  own('CALLS-2', 'Who reached a limit is told which one and when to come back; who may not have the thing is not.'),
  own(
    'CALLS-3',
    'As many calls are under way as a limit says, and each that ends, however it ends, makes room for one.',
  ),
  own('CALLS-4', 'Replicas count together, and what cannot be counted is refused.'),
  own('FLOW-1', 'Of private data, untrusted text and sending out, one grant gets two where a rule denies the third.'),
  own('FLOW-2', 'Where a rule has the third approved, it waits, and what waits was not done.'),

  from('MCP 2025-11-25, Streamable HTTP, Resumability')(
    'STREAM-1',
    'A stream that is taken up again tells what changed in between, at whatever replica.',
  ),
  from('MCP 2025-11-25, Streamable HTTP, Resumability')(
    'STREAM-2',
    'A call whose connection breaks goes on, and its client gets what it missed and the answer, or is told that nobody knows it.',
  ),
  from('MCP 2025-11-25, Streamable HTTP, Resumability')(
    'STREAM-3',
    'The stream of a call is taken up by the session whose call it is, by one reader, and never carries anything else.',
  ),
  own('FIDELITY-1', 'What a server answers arrives as it would without the portal, up to ids, names and who says so.'),
  from('MCP 2025-11-25 and 2026-07-28')(
    'RELAY-1',
    'What a server asks in the midst of a call reaches its caller, and the answer the server, whatever the eras of the two.',
  ),
  own('RELAY-2', 'A server is told of no capability that this very caller does not have.'),
  own(
    'RELAY-3',
    'An admin switches off, for each server, what it may ask; answers of models are off until switched on.',
  ),
  own(
    'RELAY-4',
    'A question names its server, shows no page but of a public host by https, never one of the portal, and asks for no secret.',
  ),
  own('MARK-1', 'Nothing that a server says reaches a client with the mark by which the portal marks its own words.'),
  own('MARK-2', 'Links, refusals and questions of the portal’s own bear that mark, in both eras.'),
  own('RELAY-5', 'A server gets no more of a caller’s model than an admin gave, and nothing of other servers.'),
  own('RELAY-6', 'The audit has each question of a server, and whether it was answered, and nothing of what was said.'),
  own('RELAY-7', 'A state is good for one caller, one call and one time; what waits is found by its own caller alone.'),
  own('RELAY-8', 'What waits for an answer is decided again before it goes on.'),
  own('RELAY-9', 'A question waits for as long as its server’s admin gives it, and what comes later is nobody’s.'),

  own(
    'LOOK-1',
    'What a server lists only to clients that can be asked something is in the catalog, and known for what it needs of them.',
  ),
  own(
    'LOOK-2',
    'A server that lists the same to all is looked at once a day, when an admin syncs it, and where its callers hear of a change.',
  ),
  own(
    'LOOK-3',
    'To look is no harm to a server or its callers: what fails of it is not missed, and nothing of it stays open.',
  ),
  own('LOOK-4', 'What a server says of itself is no mark of the portal’s.'),
  own(
    'LOOK-5',
    'Who cannot be asked what a server needs is told so, and what to declare, before the server hears of the call; who can uses it.',
  ),
  own('LOOK-6', 'Whether something needs to ask is said to nobody who may not use it.'),

  from('MCP 2025-11-25 and 2026-07-28')(
    'SUB-1',
    'A client hears that a resource changed that it subscribed to, whatever the eras of client and server.',
  ),
  own('SUB-2', 'Who may not read a resource hears nothing of it, and does not learn whether it is there.'),
  own('SUB-3', 'What an account hears of at a server reaches the person whose account it is, and nobody else.'),
  own(
    'SUB-4',
    'However many follow a resource by one credential, its server has one subscription, and none when nobody does.',
  ),
  own('SUB-5', 'What was lost with a server or its connection is followed again by itself, and told as changed.'),
  own(
    'SUB-6',
    'A subscription is decided like a read: when it is asked for, at each message, and when anything changes.',
  ),
  own('SUB-7', 'A session hears at whatever replica its stream is, wherever it subscribed.'),
  own('SUB-8', 'What a server tells of the session of a call reaches whose call it was, whatever they can be asked.'),
  from('SEP-2663, Tasks')(
    'TASK-1',
    'A call that a server of 2026 makes a task of is asked after, answered and cancelled through the portal.',
  ),
  own('TASK-2', 'A handle stands in the place of a server’s task id, and nothing else of the task is changed.'),
  own(
    'TASK-3',
    'A task is its caller’s alone: to anybody else it is unknown, in the same bytes, and no server is reached.',
  ),
  from('SEP-2663, Tasks')('TASK-4', 'Who does not declare tasks on a request gets none, and cannot ask after any.'),
  own('TASK-5', 'What one side declares of a relayed extension the other side is told, and nothing else.'),
  own('TASK-6', 'What is asked of a task is decided again; a task that is denied is cancelled at its server.'),
  own('TASK-7', 'What a task asks passes the same guard as what a call asks, and what may not pass ends the task.'),
  own('TASK-8', 'Any replica serves a task that another one began.'),
  from('SEP-2640, Skills')(
    'SKILL-1',
    'The skills of all servers are one list; each is got, its directories are listed and its files verified through the portal, in both eras.',
  ),
  own(
    'SKILL-2',
    'A skill, or a file of one, that may not be read is in no answer, and its server is not asked for it.',
  ),
  own('SKILL-3', 'No server spoils, slows or empties the list of skills of the others, or names what is theirs.'),
  own('SKILL-4', 'A list of skills counts as a call at each server that it asks.'),
  from('MCP 2025-11-25, Tasks')(
    'TASK-9',
    'A task of 2025-11-25 is begun, asked after, waited for and cancelled through the portal by clients of that revision.',
  ),
  own('TASK-10', 'A tool that its server runs as a task alone answers who asked for no task like any other tool.'),
  own('TASK-12', 'Who listens for tasks of its own hears of them as if it asked, and of others’ is told nothing.'),
  own('TASK-11', 'To a client of the extension, a task of 2025-11-25 is one of the extension.'),
  from('SEP-1865, MCP Apps')(
    'APPS-1',
    'Interfaces of tools pass: what names them, what they are read as, and calls that they make by bare names.',
  ),

  own('LIST-1', 'Whatever one definition of a server is, official clients list all the others.'),
  own('NAME-1', 'Public names are unique, unreserved, stable and of at most 64 characters.'),
  from('RFC 6570')('NAME-2', 'A URI belongs to a template only if the template fits it and could not swallow others.'),
  own(
    'URI-1',
    'What two servers call alike is read at each of them: at the first by that URI, at the other by one with its id, in lists, answers, errors and completion.',
  ),
  own('URI-2', 'The interface that a tool names is its own server’s, under the URI by which the portal serves it.'),
  own(
    'URI-3',
    'A URI goes to the server that has it for everybody, or to none: no template, rule or order hands it to another.',
  ),
  own(
    'URI-4',
    'A wrapped server’s resources bear its id wherever they come up; at the URL of one server nothing is renamed.',
  ),
  own('URI-5', 'That a resource changed is told by the URI under which it is shown, to who may read it.'),
  own(
    'CONSOLE-1',
    'Every page of the console is readable by everybody, in every width and scheme, and breaks no policy.',
  ),
  own(
    'CONSOLE-2',
    'What others wrote is text in the console: nothing runs, nothing is made of it, nobody is asked for a picture.',
  ),
  own('CONFIG-1', 'A flag beats a variable, a variable the file, the file the default.'),
  own('HOUSE-1', 'A room imports only from lower floors.'),
]
