/** The chats as this browser has them: what comes is kept before it is shown, and what has vanished or is deleted leaves by itself. */
import type { Lifetime } from '../client/index.ts'
import { isGroup, type Line } from './line.ts'
import { type Kept, Log } from './log.ts'
import { type Chat, newChat } from './model.ts'

/** The longest that a timer can wait. */
const longestMs = 2 ** 31 - 1

/** Who is told what has changed. */
export type Reader = {
  /** Lines are new, or have become something else. */
  readonly lines: (lines: readonly Line[]) => void
  /** Lines are gone. */
  readonly gone: (lines: readonly Line[]) => void
  readonly chats: () => void
}

export class Book {
  readonly #log: Log
  readonly #chats: Map<string, Chat>
  #reader: Reader = { lines: () => {}, gone: () => {}, chats: () => {} }
  /** Of 1:1 chats, where it is not as usual; undefined: not known yet. */
  #lifetimes: ReadonlyMap<string, Lifetime> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  static async open(user: string): Promise<Book> {
    const log = await Log.open(user)
    await log.vanish(Date.now())
    return new Book(log, await log.chats())
  }

  private constructor(log: Log, chats: readonly Chat[]) {
    this.#log = log
    this.#chats = new Map(chats.map((chat) => [chat.id, chat]))
    void this.#watch()
  }

  tell(reader: Reader): void {
    this.#reader = reader
  }

  all(): readonly Chat[] {
    return [...this.#chats.values()]
  }

  has(id: string): boolean {
    return this.#chats.has(id)
  }

  /** A chat that is not there yet is one without lines. */
  chat(id: string): Chat {
    return this.#chats.get(id) ?? { ...newChat(id), lifetime: this.#lifetimes?.get(id) ?? 'default' }
  }

  lines(chat: string, before: number, count: number): Promise<Line[]> {
    return this.#log.lines(chat, before, count)
  }

  async keep(lines: readonly Line[]): Promise<void> {
    if (lines.length > 0) await this.#became(await this.#log.keep(lines, Date.now()))
  }

  async change(id: string, change: (chat: Chat) => Chat): Promise<void> {
    const chat = await this.#log.change(id, change)
    await this.#became({ lines: [], chats: new Map([[id, chat]]) })
  }

  async read(id: string, seen: Line['at']): Promise<void> {
    await this.#became(await this.#log.read(id, seen, Date.now()))
  }

  /** A deletion at these places of this user's inbox. */
  async erase(chat: string, epoch: number, from: number, upTo: number): Promise<void> {
    await this.#lost(await this.#log.erase(chat, epoch, from, upTo))
  }

  /** This person deletes a line, or a chat. */
  async delete(chat: string, line?: Line): Promise<void> {
    const kept = await this.#log.delete(chat, line?.id)
    await this.#lost(line ? { ...kept, lines: [line] } : kept)
  }

  /** How long messages of 1:1 chats stay. */
  async agree(lifetimes: ReadonlyMap<string, Lifetime>): Promise<void> {
    this.#lifetimes = lifetimes
    for (const { id, lifetime } of this.all()) {
      const agreed = lifetimes.get(id) ?? 'default'
      if (!isGroup(id) && lifetime !== agreed) await this.change(id, (chat) => ({ ...chat, lifetime: agreed }))
    }
  }

  async #became({ lines, chats }: Kept): Promise<void> {
    const began = [...chats.keys()].some((id) => !this.#chats.has(id))
    for (const [id, chat] of chats) chat ? this.#chats.set(id, chat) : this.#chats.delete(id)
    if (lines.length > 0) this.#reader.lines(lines)
    this.#reader.chats()
    if (began && this.#lifetimes) await this.agree(this.#lifetimes)
    await this.#watch()
  }

  async #lost({ lines, chats }: Kept): Promise<void> {
    this.#reader.gone(lines)
    await this.#became({ lines: [], chats })
  }

  /** Waits for the next line that vanishes. */
  async #watch(): Promise<void> {
    const next = await this.#log.nextDue()
    clearTimeout(this.#timer)
    if (next === undefined) return
    const wait = Math.min(longestMs, Math.max(0, next - Date.now()))
    this.#timer = setTimeout(async () => this.#lost(await this.#log.vanish(Date.now())), wait)
  }
}
