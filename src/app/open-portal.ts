/** What MCP clients meet, and the servers behind it. Part of `app.ts`; it decides nothing. */
import { heldRecorder } from '../admin/record-held.ts'
import { approvalNotice, connectionNotice } from '../audit/webhooks/notice.ts'
import { openNotices } from '../audit/webhooks/notices.ts'
import { hostIn } from '../base/destination.ts'
import { newUuid } from '../base/ids.ts'
import { deriveKey, openSealer } from '../base/secret.ts'
import { openAnonymous } from '../http/anonymous.ts'
import { openAssertions } from '../identity/assertions/assertions.ts'
import { openAuthenticator } from '../identity/authenticate.ts'
import type { Providers } from '../identity/providers/providers.ts'
import { openExternalEvaluation } from '../policy/external-evaluation.ts'
import { openFacts } from '../policy/facts.ts'
import { openCountries } from '../policy/geo.ts'
import { openAccesses } from '../portal/access.ts'
import { openAnnouncements } from '../portal/announce.ts'
import { openCallLimits } from '../portal/call-limits.ts'
import { callNested } from '../portal/call-tool.ts'
import { openChanges } from '../portal/changes.ts'
import { Turns } from '../portal/code-mode/turns.ts'
import { ToolViews } from '../portal/context/tool-views.ts'
import type { DemandRooms } from '../portal/demands.ts'
import { openDirectory } from '../portal/directory.ts'
import { openFlow } from '../portal/flow.ts'
import { openLimits } from '../portal/limits.ts'
import { openParkDesk } from '../portal/park-desk.ts'
import { Parks } from '../portal/parks.ts'
import { openQuestions } from '../portal/questions.ts'
import { openSessionSubscriptions } from '../portal/session-subscriptions.ts'
import { openSessions } from '../portal/sessions.ts'
import { openTaskHandles } from '../portal/task-handles.ts'
import { openToggles } from '../portal/toggles.ts'
import { openVisitors, sessionOwner } from '../portal/visit.ts'
import { budgetOf } from '../sandbox/budget.ts'
import { openSandbox } from '../sandbox/sandbox.ts'
import { readEpoch } from '../store/epoch.ts'
import { openUpstreams } from '../upstream/upstreams.ts'
import type { Ground } from './open-ground.ts'
import type { Openings } from './openings.ts'

/** As MCP's `Implementation`. */
export interface Info {
  name: string
  title: string
  version: string
}

export async function openPortal(ground: Ground & { providers: Providers }, info: Info, openings: Openings) {
  const { store, audit, clock, log, config, issuer, own } = ground
  const assertFor = openAssertions(ground)
  const recordHeld = heldRecorder(audit, clock)
  const notices = openings.own(openNotices(ground))
  const upstreams = openings.own(
    await openUpstreams({
      ...{ ...ground, portalInfo: info, recordHeld, assertFor },
      assertionFor: ground.providers.assertionFor,
      notify: (event) => notices.tell(connectionNotice(event, clock.now())),
    }),
  )
  const toggles = openToggles(store)
  const since = await readEpoch(store.db)
  const most = config.limits.sessions_per_principal
  const sessions = openings.own(
    openSessions({ store, clock, log, most, since, sealer: openSealer(config.keys, 'session') }),
  )
  sessions.onDropped((session) => toggles.forget(sessionOwner(session)))
  const questions = openQuestions({ store, sealer: openSealer(config.keys, 'question'), since })
  const tasks = openTaskHandles({ sealer: openSealer(config.keys, 'task'), clock, since })
  const subscriptions = openings.own(openSessionSubscriptions(store))
  const directory = await openDirectory({
    store,
    inventory: (server) => upstreams.inventory(server.uid),
    onInventoryChanged: (listener) => upstreams.onInventoryChanged(listener),
  })
  const parks = openings.own(new Parks())
  const desk = openings.own(openParkDesk({ store, sealer: ground.sealer, log, parks }))
  directory.onChange(() => void parks.reconsider())
  own.hasName = (name) => directory.byHostname(name) !== undefined
  const countries = await openCountries({ file: config.geoFile, clock, log })
  const countryOf = (ip: string) => countries.of(ip)
  const sign = (claims: Record<string, unknown>) => ground.keys.sign(claims)
  const evaluate = openExternalEvaluation({ ...ground, allowed: config.allowedEvaluators, sign, countryOf })
  const facts = openFacts({ clock, countryOf, evaluate })
  const accesses = openAccesses(facts)
  const anonymous = openAnonymous({ accesses, clock, key: deriveKey(config.keys, 'anonymous') })
  const visitors = openVisitors({ directory, toggles, clock, accounts: upstreams, accesses })
  const changes = openings.own(openChanges(directory, toggles, visitors))
  const authenticator = openAuthenticator(store, clock)
  authenticator.onChange(() => void parks.reconsider())
  const announcements = openAnnouncements(store)
  const counting = openings.own(openCallLimits({ store, clock, log, holder: newUuid() }))
  const limits = openLimits(counting)
  const flow = openFlow({ store, log })
  const demands: DemandRooms = {
    ...{ store, sealer: ground.sealer },
    notify: (wanted) => notices.tell(approvalNotice(wanted, clock.now())),
  }
  return {
    ...{
      upstreams,
      notices,
      toggles,
      sessions,
      questions,
      tasks,
      toolViews: new ToolViews(clock),
      callNested,
      sandbox: openings.own(await openSandbox({ config: config.sandbox, log, clock })),
      codeBudget: budgetOf(config.limits),
      turns: new Turns(config.limits.code_runs_per_principal),
      subscriptions,
      parks,
      desk,
      directory,
      facts,
      accesses,
      anonymous,
      visitors,
      changes,
      authenticator,
      announcements,
      counting,
      limits,
      flow,
      demands,
      info,
    },
    links: { issuer, isOwnHost: (host: string) => own.hasName(host) || host === hostIn(issuer()) },
    patience: { turnMs: config.limits.connect_turn, wholeMs: config.limits.connect_wait },
  }
}
