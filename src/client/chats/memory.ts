/** Forgets when the program ends. */
import type { Chat } from './chat.ts'
import type { Line } from './line.ts'
import type { Hand, Shelf } from './shelf.ts'

/** A shelf for one run of a program, and for tests. */
export function memoryShelf(): Shelf {
  const began = Date.now()
  const hand = new MemoryHand()
  let last: Promise<unknown> = Promise.resolve()
  /** One after the other: nobody sees half of another's work. */
  const run = <T>(work: (hand: Hand) => Promise<T>): Promise<T> => {
    const done = last.then(() => work(hand))
    last = done.catch(() => undefined)
    return done
  }
  return { began: async () => began, read: run, write: run, close: async () => {} }
}

class MemoryHand implements Hand {
  readonly #chats = new Map<string, Chat>()
  readonly #lines = new Map<string, Line>()
  /** By chat, in order. */
  readonly #sorted = new Map<string, Line[]>()

  async chats(): Promise<Chat[]> {
    return [...this.#chats.values()]
  }

  async chat(id: string): Promise<Chat | undefined> {
    return this.#chats.get(id)
  }

  putChat(chat: Chat): void {
    this.#chats.set(chat.id, chat)
  }

  dropChat(id: string): void {
    this.#chats.delete(id)
  }

  async line(id: string): Promise<Line | undefined> {
    return this.#lines.get(id)
  }

  putLine(line: Line): void {
    this.#lines.set(line.id, line)
    this.#sorted.delete(line.chat)
  }

  dropLine(id: string): void {
    this.#sorted.delete(this.#lines.get(id)?.chat ?? '')
    this.#lines.delete(id)
  }

  async before(chat: string, order: number, count: number): Promise<Line[]> {
    return count === 0
      ? []
      : this.#of(chat)
          .filter((line) => line.order < order)
          .slice(-count)
  }

  async after(chat: string, order: number, count: number): Promise<Line[]> {
    return this.#of(chat)
      .filter((line) => line.order > order)
      .slice(0, count)
  }

  async waiting(chat: string): Promise<Line[]> {
    return this.#of(chat).filter(({ waits }) => waits === chat)
  }

  async unread(chat: string, over: Line['at']): Promise<number> {
    return this.#unread(chat, over).length
  }

  async firstUnread(chat: string, over: Line['at']): Promise<Line | undefined> {
    return this.#unread(chat, over)[0]
  }

  async due(now: number): Promise<Line[]> {
    return [...this.#lines.values()].filter(({ expires }) => expires !== null && expires <= now)
  }

  async nextDue(): Promise<number | undefined> {
    let next: number | undefined
    for (const { expires } of this.#lines.values())
      if (expires !== null && expires < (next ?? Number.POSITIVE_INFINITY)) next = expires
    return next
  }

  async newest(before: string | undefined, count: number): Promise<Line[]> {
    const ids = [...this.#lines.keys()].filter((id) => before === undefined || id < before).sort()
    return ids
      .slice(-count)
      .reverse()
      .map((id) => this.#lines.get(id) as Line)
  }

  #of(chat: string): Line[] {
    const known = this.#sorted.get(chat)
    if (known) return known
    const lines = [...this.#lines.values()].filter((line) => line.chat === chat).sort((a, b) => a.order - b.order)
    this.#sorted.set(chat, lines)
    return lines
  }

  #unread(chat: string, over: Line['at']): Line[] {
    const beyond = (line: Line) => {
      const [, epoch, seq] = line.counts ?? []
      return seq !== undefined && (over === null || (epoch === over.epoch && seq > over.seq))
    }
    return this.#of(chat).filter(beyond).sort(byPlace)
  }
}

const byPlace = ({ here: a }: Line, { here: b }: Line): number =>
  (a?.epoch ?? 0) - (b?.epoch ?? 0) || (a?.seq ?? 0) - (b?.seq ?? 0)
