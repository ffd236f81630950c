/**
 * Hands the pages of the first run what they may not know of themselves: the REST API, and where the next start finds the public URL. Part of
 * `app.ts`; it decides nothing.
 */
import { join } from 'node:path'
import { z } from 'zod'
import type { Admin } from '../admin/door.ts'
import { originOf } from '../base/destination.ts'
import { ConfigError } from '../config/config-error.ts'
import { readSetUp, storePublicUrl } from '../config/set-up.ts'
import { isLoopback } from '../config/settings-schema.ts'
import type { Local } from '../identity/local/model.ts'
import type { SetUpWays, Told } from '../pages/deps.ts'
import type { Ground } from './open-ground.ts'

const said = z.array(z.object({ message: z.string() }))
const envelope = z.object({ success: z.boolean(), result: z.unknown(), errors: said, messages: said })

export function openSetUpWays(
  { config, issuer }: Pick<Ground, 'config' | 'issuer'>,
  admin: Pick<Admin, 'fetch'>,
  local: Pick<Local, 'hasAdmin'>,
): SetUpWays {
  const { data, publicUrl: now, publicUrlFrom } = config
  const isSettledElsewhere = !['set-up', 'default'].includes(publicUrlFrom.origin)
  // The last owner stays, so what was once true is not asked again for every visitor.
  let hasOwner = false
  return {
    async ask({ request, caller }, { method, path, body }): Promise<Told> {
      // Only what came as a form has shown a token of ours.
      if (method !== 'GET' && request.method !== 'POST')
        throw new Error('a page that is looked at would change something')
      const origin = originOf(issuer())
      const answer = await admin.fetch(
        new Request(`${origin}/client/v4/accounts/${config.accountId ?? 'default'}${path}`, {
          method,
          // As a page of ours would: its person's cookie, and what no page of another site can send along.
          headers: {
            ...{ cookie: request.headers.get('cookie') ?? '', origin },
            ...{ 'x-portico-request': '1', 'sec-fetch-site': 'same-origin' },
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
        caller,
      )
      const { success, result, errors, messages } = envelope.parse(await answer.json())
      return success
        ? { ok: true, result, messages: messages.map(({ message }) => message) }
        : { ok: false, status: answer.status, problems: errors.map(({ message }) => message) }
    },
    publicUrl: {
      now,
      fixedBy: isSettledElsewhere ? publicUrlFrom.where : null,
      needsHttps: !isLoopback(config.host),
      next: () => (isSettledElsewhere ? now : storedIn(data)),
      store: (url) => storePublicUrl(data, url),
      file: join(data, 'setup.json'),
    },
    hasMail: config.smtp !== null,
    async hasOwner() {
      hasOwner ||= await local.hasAdmin()
      return hasOwner
    },
  }
}

/** One that cannot be read stores nothing: the next start says what is wrong with it, and saving the form mends it. */
function storedIn(data: string): string | null {
  try {
    return readSetUp(data)?.values.public_url ?? null
  } catch (error) {
    if (error instanceof ConfigError) return null
    throw error
  }
}
