/** What came before the lines that this browser has: asked of the server, shown, and not kept. */
import type { Client, Past as Message } from '../client/index.ts'
import { fromPast, type Line } from './line.ts'
import type { Chat } from './model.ts'

/** Messages that are asked for at a time. */
const page = 60

export class Past {
  readonly #me: string
  readonly #client: Client
  #before: Pick<Message, 'time' | 'seq'> | undefined
  /** The log is exhausted, and what is shown comes from the server. */
  began = false
  #over = false

  constructor(me: string, client: Client) {
    this.#me = me
    this.#client = client
  }

  /** Another chat is open. */
  reset(): void {
    this.#before = undefined
    this.began = false
    this.#over = false
  }

  /** Lines before the oldest that is shown; none: there are no more, or they cannot be had at the moment. */
  async earlier(chat: Chat, oldest: Line | undefined): Promise<Line[]> {
    if (this.#over || this.#client.connection.is !== 'online') return []
    this.began = true
    // A line that has no place in the inbox is older than all of the next millisecond.
    const start =
      oldest && (oldest.here ? { time: oldest.time, seq: oldest.here.seq } : { time: oldest.time + 1, seq: 1 })
    const before = this.#before ?? start
    const messages = await this.#client.history(chat.id, { before, limit: page }).catch(() => undefined)
    this.#over = messages?.length === 0
    this.#before = messages?.[0] ?? before
    return (messages ?? []).map((message) => fromPast(message, chat.theirs, this.#me))
  }
}
