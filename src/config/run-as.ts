/**
 * The other user as whom children run. Found once, at the start, because a child must never be started as the portal's
 * own user for want of a name that could not be looked up.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { ConfigError } from './config-error.ts'

export interface RunAs {
  uid: number
  gid: number
}

/**
 * @param text `uid`, `uid:gid`, or a user's name; a number alone is uid and gid
 * @param where what to call the setting in an error
 * @throws ConfigError when there is no such user, it is root, or this process may not become another
 */
export function resolveRunAs(text: string, where: string): RunAs {
  if (process.getuid?.() !== 0) {
    throw new ConfigError([
      `${where}: only root may start programs as another user, and the portal runs as uid ${process.getuid?.() ?? 'none'}. Start it as root, or leave this out and set stdio.wrapper.`,
    ])
  }
  const found = /^\d+(:\d+)?$/.test(text) ? numbers(text) : named(text, where)
  if (found.uid === 0 || found.gid === 0) {
    throw new ConfigError([`${where}: root is no other user; name one without rights, made for this.`])
  }
  return found
}

function numbers(text: string): RunAs {
  const [uid = '', gid = uid] = text.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

function named(name: string, where: string): RunAs {
  try {
    return { uid: idOf('-u', name), gid: idOf('-g', name) }
  } catch {
    throw new ConfigError([`${where}: there is no user of this name on this machine.`])
  }
}

/** Asks the system, which knows users of directories too. */
function idOf(flag: '-u' | '-g', name: string): number {
  return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim())
}

/** @throws ConfigError when that user cannot get to the directory, so that no child could use its home */
export function requireReach({ uid, gid }: RunAs, directory: string): void {
  const { status } = spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], {
    uid,
    gid,
    cwd: '/',
    env: {},
    stdio: 'ignore',
  })
  if (status === 0) return
  throw new ConfigError([
    `stdio.homes: uid ${uid} cannot enter ${directory}. Every directory above it must let others through (chmod o+x), or choose another, such as /var/lib/portico-children.`,
  ])
}
