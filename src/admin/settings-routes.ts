/** The part of the table that is about what the portal was started with. */
import { z } from 'zod'
import { settingShown } from '../contract/settings.ts'
import { type Route, route } from './route.ts'
import { showSettings } from './settings.ts'

export const SETTINGS_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/settings',
    right: 'organization:read',
    summary: 'Read what the portal was started with: addresses, mail, keeping; never a secret',
    result: z.array(settingShown),
    handler: showSettings,
  }),
]
