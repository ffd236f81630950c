/** What MCP clients meet, and the servers behind it. Part of `app.ts`; it decides nothing. */
import { heldRecorder } from '../admin/record-held.ts'
import { openSealer } from '../base/secret.ts'
import { openAssertions } from '../identity/assertions/assertions.ts'
import { openAuthenticator } from '../identity/authenticate.ts'
import { openAnnouncements } from '../portal/announce.ts'
import { openChanges } from '../portal/changes.ts'
import { openDirectory } from '../portal/directory.ts'
import { openQuestions } from '../portal/questions.ts'
import { openSessions } from '../portal/sessions.ts'
import { openToggles } from '../portal/toggles.ts'
import { openVisitors, sessionOwner } from '../portal/visit.ts'
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

export async function openPortal(ground: Ground, info: Info, openings: Openings) {
  const { store, audit, clock, log, config, issuer, own } = ground
  const assertFor = openAssertions(ground)
  const recordHeld = heldRecorder(audit, clock)
  const upstreams = openings.own(await openUpstreams({ ...ground, portalInfo: info, recordHeld, assertFor }))
  const toggles = openToggles(store)
  const since = await readEpoch(store.db)
  const most = config.limits.sessions_per_principal
  const sessions = openings.own(
    openSessions({ store, clock, log, most, since, sealer: openSealer(config.keys, 'session') }),
  )
  sessions.onDropped((session) => toggles.forget(sessionOwner(session)))
  const questions = openQuestions({ store, sealer: openSealer(config.keys, 'question'), since })
  const directory = await openDirectory({
    store,
    inventory: (server) => upstreams.inventory(server.uid),
    onInventoryChanged: (listener) => upstreams.onInventoryChanged(listener),
  })
  own.hasName = (name) => directory.byHostname(name) !== undefined
  const visitors = openVisitors(directory, toggles, clock)
  const changes = openings.own(openChanges(directory, toggles, visitors))
  const authenticator = openAuthenticator(store, clock)
  const announcements = openAnnouncements(store)
  return {
    ...{ upstreams, toggles, sessions, questions, directory, visitors, changes, authenticator, announcements, info },
    links: { issuer },
  }
}
