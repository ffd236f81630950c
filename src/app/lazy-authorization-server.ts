/**
 * The authorization server, opened when somebody first needs it: the library under it is a fifth of a second of a start and 30 MB, and a
 * portal whose clients have their tokens may run for days without anybody signing in.
 */
import type { AuthorizationServer } from '../identity/oauth/model.ts'
import type { OauthRooms } from '../identity/oauth/rooms.ts'

export function lazyAuthorizationServer(rooms: OauthRooms): AuthorizationServer {
  let opening: Promise<AuthorizationServer> | null = null
  const open = (): Promise<AuthorizationServer> => {
    opening ??= import('../identity/oauth/open.ts')
      .then(({ openAuthorizationServer }) => openAuthorizationServer(rooms))
      .catch((error: unknown) => {
        // Whoever comes next finds it not opened, rather than failed for good.
        opening = null
        throw error
      })
    return opening
  }
  return {
    handle: async (...asked) => (await open()).handle(...asked),
    pending: async (...asked) => (await open()).pending(...asked),
    isRemembered: async (...asked) => (await open()).isRemembered(...asked),
    approve: async (...asked) => (await open()).approve(...asked),
    deny: async (...asked) => (await open()).deny(...asked),
    findDevice: async (...asked) => (await open()).findDevice(...asked),
    approveDevice: async (...asked) => (await open()).approveDevice(...asked),
    denyDevice: async (...asked) => (await open()).denyDevice(...asked),
  }
}
