/** One connection, as end-to-end encryption uses it: it asks questions of its own there, and hears their answers before the session hears anything. */
import type { ClientFrame, SendFrame, ServerFrame } from '../../protocol/frames.ts'
import { systemClock } from '../clock.ts'

type Question = Extract<ClientFrame, readonly ['chain' | 'link' | 'prekeys' | 'claim' | 'members', ...unknown[]]>
/** An error is one that will not go by itself. */
export type Answer = Extract<ServerFrame, readonly ['links' | 'bundles' | 'group' | 'done' | 'error', ...unknown[]]>
type Waiter = { readonly resolve: (answer: never) => void; readonly reject: (error: Error) => void }

const leastRetryMs = 500
const kinds = new Set<unknown>(['chain', 'link', 'prekeys', 'claim'])
type Sent = Extract<ServerFrame, readonly ['sent' | 'error', ...unknown[]]>

/** The connection is over: what was asked is asked anew on the next. */
export class Lost extends Error {
  constructor() {
    super('the connection was lost before the server had answered; try again')
  }
}

export class Line {
  readonly say: (frame: ClientFrame) => void
  readonly #waiting = new Map<string, Waiter[]>()
  /** By id: changes of a group that were said and are not answered. What follows has to know what came of them. */
  readonly changing = new Map<string, string>()
  isOpen = true
  /** As the server has told it. A question about a longer name, or one that is none, it answers without saying which. */
  idLength = 0
  #refs = 0

  constructor(say: (frame: ClientFrame) => void) {
    this.say = say
  }

  /** Names a question. */
  ref(): string {
    this.#refs += 1
    return `e2ee ${this.#refs}`
  }

  /** Asks until it is answered with something that stays. Rejects when the connection is over. */
  async ask(question: Question): Promise<Answer> {
    for (;;) {
      const answer = await this.#askOnce<Answer>(question)
      if (answer[0] !== 'error' || answer[4] === 0) return answer
      await this.pause(answer[4])
    }
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => systemClock.after(Math.max(ms, leastRetryMs), resolve))
  }

  /** A message of which the session knows nothing. */
  send(frame: SendFrame): Promise<Sent> {
    return this.#askOnce(frame)
  }

  #askOnce<Of extends Answer | Sent>(question: Question | SendFrame): Promise<Of> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Lost())
      const key = `${question[0]} ${question[1]}`
      const waiting = this.#waiting.get(key)
      if (waiting) return void waiting.push({ resolve, reject })
      this.#waiting.set(key, [{ resolve, reject }])
      this.say(question)
    })
  }

  /** Whether a frame is an answer to what was asked here. */
  hears(frame: ServerFrame): boolean {
    const [kind, first, second, third] = frame
    const isOwn = kind === 'links' || kind === 'bundles' || (kind === 'done' && kinds.has(first))
    const names = {
      links: `chain ${first}`,
      bundles: `claim ${first}`,
      done: `${first} ${second}`,
      sent: `send ${first}`,
      group: `members ${first}`,
    }
    const key = kind === 'error' ? `${second} ${third}` : names[kind as keyof typeof names]
    // What the session asks, too, it asks by itself.
    if (!isOwn && !this.#waiting.has(key) && !(kind === 'error' && kinds.has(second))) return false
    const waiting = this.#waiting.get(key) ?? []
    this.#waiting.delete(key)
    for (const { resolve } of waiting) resolve(frame as never)
    return true
  }

  lost(): void {
    this.isOpen = false
    for (const waiting of this.#waiting.values()) for (const { reject } of waiting) reject(new Lost())
    this.#waiting.clear()
  }
}
