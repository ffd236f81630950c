import { expect, test } from 'vitest'
import { freshStore } from '../../test/databases.ts'
import { systemClock } from '../base/clock.ts'
import { digest, newSecret } from '../base/secret.ts'
import { openAuthenticator } from './authenticate.ts'
import { insertServiceToken } from './service-token-store.ts'

test('a service token that was read as JSON is known in that form alone, and in no pair of headers', async () => {
  const at = await freshStore('sqlite')
  try {
    const [secret, clientId] = [newSecret('ptst'), `${'a'.repeat(32)}.access`]
    const made = { name: 'bot', clientId, secretDigest: digest(secret), duration: 'forever', enabled: true }
    await at.store.write((trx) => insertServiceToken(at.store, trx, { ...made, expiresAt: null }))
    const authenticator = openAuthenticator(at.store, systemClock)
    const nothing = { authorization: undefined, clientId: undefined, clientSecret: undefined, serviceToken: undefined }
    const json = JSON.stringify({ 'cf-access-client-id': clientId, 'cf-access-client-secret': secret })
    const known = await authenticator.authenticate({ ...nothing, serviceToken: json })
    expect(known?.principal).toMatchObject({ kind: 'service', clientId })
    for (const pair of ['json', '', '\u0001json'])
      expect(await authenticator.authenticate({ ...nothing, clientId: pair, clientSecret: json })).toBeNull()
    expect(await authenticator.authenticate({ ...nothing, clientId, clientSecret: secret })).not.toBeNull()
  } finally {
    await at.end()
  }
})
