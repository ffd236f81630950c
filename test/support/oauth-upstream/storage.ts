/** What the authorization server keeps, where its tests can reach it. */
import type { Adapter, Payload } from '../../../src/identity/oauth/library.ts'

interface Kept {
  model: string
  payload: Payload
}

export class Storage {
  readonly #kept = new Map<string, Kept>()

  adapter = (model: string): Adapter => {
    const key = (id: string) => `${model}:${id}`
    const byMember = async (member: 'uid' | 'userCode', value: string) =>
      this.#find((one) => one.model === model && one.payload[member] === value)
    return {
      upsert: async (id, payload) => void this.#kept.set(key(id), { model, payload }),
      find: async (id) => this.#kept.get(key(id))?.payload,
      findByUid: (uid) => byMember('uid', uid),
      findByUserCode: (code) => byMember('userCode', code),
      consume: async (id) => {
        const payload = this.#kept.get(key(id))?.payload
        if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
      },
      destroy: async (id) => void this.#kept.delete(key(id)),
      revokeByGrantId: async (grantId) => this.drop((_, payload) => payload.grantId === grantId),
    }
  }

  drop(which: (model: string, payload: Payload) => boolean): void {
    for (const [key, { model, payload }] of this.#kept) if (which(model, payload)) this.#kept.delete(key)
  }

  count(model: string): number {
    return [...this.#kept.values()].filter((one) => one.model === model).length
  }

  #find(which: (one: Kept) => boolean): Payload | undefined {
    return [...this.#kept.values()].find(which)?.payload
  }
}
