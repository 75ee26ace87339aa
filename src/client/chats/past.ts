/** What came before: the lines that this device has, then those that the server has, which are not kept. */
import type { Client } from '../client.ts'
import type { Past as Message } from '../types.ts'
import type { Chat } from './chat.ts'
import { fromPast, type Line } from './line.ts'
import type { Log } from './log.ts'

/** Lines that are had at a time. */
const page = 60

/** Goes back through one chat. */
export class Past {
  readonly #client: Client
  readonly #log: Log
  readonly #me: string
  #before: Pick<Message, 'time' | 'seq'> | undefined
  /** The log is exhausted, and what comes is from the server. */
  began = false
  /** There is nothing before. */
  over = false
  /** How far back it has gone. */
  #reached: Line | undefined

  /** `oldest`: from where it goes back, where the program has lines of the chat. */
  constructor(client: Client, log: Log, me: string, oldest: Line | undefined) {
    this.#client = client
    this.#log = log
    this.#me = me
    this.#reached = oldest
  }

  /** Lines before the oldest that the program has; none: there are no more (`over`), or they cannot be had at the moment. */
  async earlier(chat: Chat, oldest: Line | undefined): Promise<Line[]> {
    // The program has let go of what it had of the beginning, or of all: from there on it is gone through again.
    if (placeOf(oldest) > placeOf(this.#reached)) {
      this.#before = this.#reached = undefined
      this.began = this.over = false
    }
    // One that came late may be older than what it has reached: what lies between is lacking.
    const from = this.#reached ?? oldest
    const kept = from && !this.began ? await this.#log.before(chat.id, from.order, page) : []
    const lines = kept.length > 0 ? kept : await this.#asked(chat, from)
    if (placeOf(lines[0]) < placeOf(this.#reached)) this.#reached = lines[0]
    return lines
  }

  async #asked(chat: Chat, oldest: Line | undefined): Promise<Line[]> {
    if (this.over || this.#client.connection.is !== 'online') return []
    this.began = true
    // A line that has no place in the inbox is older than all of the next millisecond.
    const start =
      oldest && (oldest.here ? { time: oldest.time, seq: oldest.here.seq } : { time: oldest.time + 1, seq: 1 })
    const before = this.#before ?? start
    const messages = await this.#client.history(chat.id, { before, limit: page }).catch(() => undefined)
    this.over = messages?.length === 0
    this.#before = messages?.[0] ?? before
    return (messages ?? []).map((message) => fromPast(message, chat.theirs, this.#me))
  }
}

const placeOf = (line: Line | undefined): number => line?.order ?? Number.POSITIVE_INFINITY
