/** The rows of `/access/keys` in the table of routes. */
import { keysShown, keysUpdate } from '../contract/keys.ts'
import { getKeys, rotateKeys, updateKeys } from './keys.ts'
import { type Route, route } from './route.ts'

export const KEY_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/access/keys',
    right: 'organization:read',
    summary: 'Read how often the keys that sign who calls are replaced',
    result: keysShown,
    handler: getKeys,
  }),
  route({
    method: 'PUT',
    path: '/access/keys',
    right: 'organization:write',
    summary: 'Set how often the keys that sign who calls are replaced',
    body: keysUpdate,
    result: keysShown,
    handler: updateKeys,
  }),
  route({
    method: 'POST',
    path: '/access/keys/rotate',
    right: 'organization:write',
    summary: 'Replace the key that signs who calls',
    result: keysShown,
    handler: rotateKeys,
  }),
]
