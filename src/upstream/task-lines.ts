/**
 * Hearing of tasks (SEP-2663): one `subscriptions/listen` for those that one caller listens for at one server, with the credential that its
 * calls carry. Tasks are one caller's, so no two callers share a line. One that ends is not taken up again: whoever listens is told, and
 * listens anew.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Json, Notification } from '../protocol/model.ts'
import { Exchange } from './exchange.ts'
import { asObject, ownRequest } from './handshake.ts'
import type { TaskFollowing, TaskInterest } from './model.ts'
import { isolationKey, keyOf } from './pool.ts'
import type { GroupDeps } from './subscription-group.ts'
import { Trouble } from './trouble.ts'
import { credentialFor } from './without-credential.ts'

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

export class TaskLines {
  readonly #deps: GroupDeps
  readonly #lines = new Set<TaskLine>()

  constructor(deps: GroupDeps) {
    this.#deps = deps
  }

  follow(interest: TaskInterest): TaskFollowing {
    const line = new TaskLine(interest, this.#deps)
    this.#lines.add(line)
    const close = () => {
      this.#lines.delete(line)
      line.end()
    }
    return { honoured: line.open(), close }
  }

  /** What a server said on a pipe, where each line hears what is said to all. @param place the connection's key */
  heard(server: ServerUid, notification: Notification, place: string): void {
    for (const line of this.#lines) if (line.server === server && line.place === place) line.heard(notification)
  }

  close(): void {
    for (const line of this.#lines) line.end()
    this.#lines.clear()
  }
}

class TaskLine {
  readonly server: ServerUid
  /** The key of its connection; null while it has none. */
  place: string | null = null
  readonly #interest: TaskInterest
  readonly #deps: GroupDeps
  readonly #acknowledged = Promise.withResolvers<readonly string[]>()
  /** Null until the server said which. */
  #honoured: readonly string[] | null = null
  #exchange: Exchange | null = null
  #isOver = false

  constructor(interest: TaskInterest, deps: GroupDeps) {
    this.server = interest.serverUid
    this.#interest = interest
    this.#deps = deps
  }

  /** @returns those that the server tells of; none where it cannot be asked, whatever the reason. Never rejects */
  async open(): Promise<readonly string[]> {
    const { promise, resolve } = this.#acknowledged
    const timer = setTimeout(() => resolve([]), this.#deps.limits.openingMs)
    try {
      await this.#listen()
      return await promise
    } catch (error) {
      this.#deps.log.debug({ err: error }, 'tasks could not be listened for')
      return []
    } finally {
      clearTimeout(timer)
      this.#honoured ??= []
      if (this.#honoured.length === 0) this.end()
    }
  }

  heard({ method, params }: Notification): void {
    if (this.#isOver) return
    if (method === ACKNOWLEDGED) this.#acknowledge(asObject(params.notifications ?? null)?.taskIds)
    const { taskId } = params
    if (method === 'notifications/tasks' && typeof taskId === 'string' && this.#honoured?.includes(taskId))
      this.#interest.told(taskId)
  }

  end(): void {
    this.#isOver = true
    this.#acknowledged.resolve([])
    this.#exchange?.stop(new Trouble('cancelled', 'nobody listens any more'))
  }

  /** On a pipe, that of another line is heard too: it names other tasks. */
  #acknowledge(taskIds: Json | undefined): void {
    if (!Array.isArray(taskIds) || this.#honoured !== null) return
    const honoured = this.#interest.ids.filter((id) => taskIds.includes(id))
    if (honoured.length < taskIds.length) return
    this.#honoured = honoured
    this.#acknowledged.resolve(honoured)
  }

  /** @throws Trouble, ConnectionNeeded */
  async #listen(): Promise<void> {
    const { ids, principal, extensions } = this.#interest
    const server = this.#deps.find(this.server)
    if (server === undefined || server.breaker.isOpen) throw new Trouble('left-alone', 'it does not answer')
    const { setup } = server
    const credential = await credentialFor(this.#deps.keeper(), setup, this.#interest, { isRenewed: false })
    if (!credential.isFresh) await credential.freshen()
    const key = keyOf(credential, isolationKey(setup, this.#interest))
    const connection = await this.#deps.pool.lease(setup, { key, credential, principal })
    if (connection.era !== '2026' || this.#isOver) return this.#acknowledged.resolve([])
    this.place = key
    const out = ownRequest('subscriptions/listen', { notifications: { taskIds: [...ids] } })
    const report = (notification: Notification) => this.heard(notification)
    this.#exchange = new Exchange({ ...out, principal, extensions, report }, true)
    connection.request(this.#exchange).then(
      () => this.#ended(),
      () => this.#ended(),
    )
  }

  /** By the server, or because it was lost. */
  #ended(): void {
    const wasLive = !this.#isOver && (this.#honoured?.length ?? 0) > 0
    this.#isOver = true
    this.#acknowledged.resolve([])
    if (wasLive) this.#interest.ended()
  }
}
