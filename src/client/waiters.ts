/** Who waits until a message has reached a state. */
import { RefusedError } from './errors.ts'
import type { MessageState, Outgoing } from './types.ts'

type Waiter = {
  readonly state: MessageState
  resolve(message: Outgoing): void
  reject(error: Error): void
}

const rank = { queued: 0, sent: 1, delivered: 2, read: 3, refused: 4 } as const

export class Waiters {
  readonly #waiters = new Map<string, Waiter[]>()

  wait(message: Outgoing, state: MessageState): Promise<Outgoing> {
    const reached = new Promise<Outgoing>((resolve, reject) => {
      const waiting = this.#waiters.get(message.id) ?? []
      waiting.push({ state, resolve, reject })
      this.#waiters.set(message.id, waiting)
    })
    this.heard(message)
    return reached
  }

  /** Answers those that wait for what a message has become. */
  heard(message: Outgoing): void {
    const waiting = this.#waiters.get(message.id)
    if (!waiting) return
    const left = waiting.filter((waiter) => !answered(waiter, message))
    if (left.length > 0) this.#waiters.set(message.id, left)
    else this.#waiters.delete(message.id)
  }

  /** Nothing will be reached any more. */
  end(error: Error): void {
    for (const waiting of this.#waiters.values()) for (const { reject } of waiting) reject(error)
    this.#waiters.clear()
  }
}

function answered(waiter: Waiter, message: Outgoing): boolean {
  if (message.state === 'refused') waiter.reject(new RefusedError(message.code ?? 'refused'))
  else if (rank[message.state] >= rank[waiter.state]) waiter.resolve(message)
  else return false
  return true
}
