/** The lines of all chats on their shelf. What has vanished or is deleted leaves it at once. */
import type { ChatInfo } from '../types.ts'
import { type Chat, deleted, merge, newChat, seenUpTo, toldOf, unreadOver, without } from './chat.ts'
import { covers, type Line, startTimer } from './line.ts'
import type { Hand, Shelf } from './shelf.ts'

/** Lines of a chat that are kept; of so many more, the oldest leave together. */
const bound = { lines: 2_000, surplus: 100 }

/** What became of chats; null: the chat is gone. */
export type Kept = { readonly lines: readonly Line[]; readonly chats: ReadonlyMap<string, Chat | null> }

export class Log {
  readonly #shelf: Shelf

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  chats(): Promise<Chat[]> {
    return this.#shelf.read((hand) => hand.chats())
  }

  /** The last lines of a chat before a place in it, or the first after one; oldest first. */
  before(chat: string, order: number, count: number): Promise<Line[]> {
    return this.#shelf.read((hand) => hand.before(chat, order, count))
  }

  after(chat: string, order: number, count: number): Promise<Line[]> {
    return this.#shelf.read((hand) => hand.after(chat, order, count))
  }

  /** The first message of a chat that is not read. */
  firstUnread(chat: Chat): Promise<Line | undefined> {
    return this.#shelf.read(async (hand) => {
      for (const over of unreadOver(chat)) {
        const line = await hand.firstUnread(chat.id, over)
        if (line) return line
      }
      return undefined
    })
  }

  /** Takes lines in, all or none, and answers what became of them and of their chats. Those that are there already are not taken twice. */
  keep(lines: readonly Line[], now: number): Promise<Kept> {
    return this.#shelf.write(async (hand) => {
      const chats = new Map<string, Chat>()
      for (const id of new Set(lines.map(({ chat }) => chat))) chats.set(id, (await hand.chat(id)) ?? newChat(id))
      const there = await Promise.all(lines.map(({ id }) => hand.line(id)))
      const known = new Map(there.flatMap((line) => (line ? [[line.id, line]] : [])))
      const kept = new Map<string, Line>()
      for (const line of lines) {
        const chat = chats.get(line.chat) as Chat
        const before = kept.get(line.id) ?? known.get(line.id)
        // Its chat has lost it already, as too old.
        if (!before && line.time <= chat.floor) continue
        const merged = merge(chat, before, line, now)
        chats.set(line.chat, merged.chat)
        kept.set(line.id, merged.line)
      }
      for (const line of kept.values()) hand.putLine(line)
      for (const [id, chat] of chats) chats.set(id, await trimmed(hand, chat))
      for (const chat of chats.values()) hand.putChat(chat)
      return { lines: [...kept.values()], chats }
    })
  }

  /** Changes a chat, where it is there. */
  change(id: string, change: (chat: Chat) => Chat): Promise<Kept> {
    return this.#shelf.write(async (hand) => {
      const known = await hand.chat(id)
      const chat = known ? change(known) : null
      if (chat) hand.putChat(chat)
      return { lines: [], chats: new Map([[id, chat]]) }
    })
  }

  /** Keeps what is written in a chat; one that has nothing else goes when that is sent or taken back. */
  draft(id: string, draft: string): Promise<Kept> {
    return this.#shelf.write(async (hand) => {
      const known = (await hand.chat(id)) ?? newChat(id)
      const chat = draft === '' && known.moved === null ? null : { ...known, draft }
      chat ? hand.putChat(chat) : hand.dropChat(id)
      return { lines: [], chats: new Map([[id, chat]]) }
    })
  }

  /** A chat is read up to there: the time of what waited for it runs. */
  read(id: string, seen: NonNullable<Line['at']>, now: number): Promise<Kept> {
    return this.#shelf.write(async (hand) => {
      const { lines, chat } = await readUpTo(hand, id, seen, now)
      hand.putChat(chat)
      return { lines, chats: new Map([[id, chat]]) }
    })
  }

  /** What the server has of chats, of which not all may have come: how far they are read, too. */
  tell(told: readonly ChatInfo[], now: number): Promise<Kept> {
    return this.#shelf.write(async (hand) => {
      const lines: Line[] = []
      const chats = new Map<string, Chat>()
      for (const info of told) {
        const read = await readUpTo(hand, info.id, { epoch: info.epoch, seq: info.read }, now)
        const chat = toldOf(read.chat, info)
        lines.push(...read.lines)
        chats.set(info.id, chat)
        hand.putChat(chat)
      }
      return { lines, chats }
    })
  }

  /** When the next line vanishes; undefined where none does. */
  nextDue(): Promise<number | undefined> {
    return this.#shelf.read((hand) => hand.nextDue())
  }

  /** Takes out what has vanished by now. */
  vanish(now: number): Promise<Kept> {
    return this.#shelf.write(async (hand) => remove(hand, await hand.due(now)))
  }

  /** Takes out what was deleted at these places of this user's inbox. */
  erase(chat: string, epoch: number, from: number, upTo: number): Promise<Kept> {
    return this.#shelf.write(async (hand) => {
      const lines = deleted(await wholeOf(hand, chat), epoch, from, upTo)
      return remove(hand, lines, from === 1 ? chat : undefined)
    })
  }

  /** Takes out one line; or a chat, but for what waits to be sent. */
  delete(chat: string, id?: string): Promise<Kept> {
    return this.#shelf.write(async (hand) => {
      const line = id === undefined ? undefined : await hand.line(id)
      if (id !== undefined) return remove(hand, line ? [line] : [])
      const lines = await wholeOf(hand, chat)
      return remove(
        hand,
        lines.filter(({ state }) => state !== 'queued'),
        chat,
      )
    })
  }

  /** The newest lines, of any chat, that are as asked. */
  find(meant: (line: Line) => boolean, count: number): Promise<Line[]> {
    return this.#shelf.read(async (hand) => {
      const found: Line[] = []
      for (
        let page = await hand.newest(undefined, 500);
        page.length > 0;
        page = await hand.newest(page.at(-1)?.id, 500)
      ) {
        found.push(...page.filter(meant))
        if (found.length >= count) return found.slice(0, count)
      }
      return found
    })
  }
}

const wholeOf = (hand: Hand, chat: string) => hand.after(chat, Number.NEGATIVE_INFINITY, 2 ** 32 - 1)

/** A chat that is read up to there, and those of its lines that had waited for it. */
async function readUpTo(hand: Hand, id: string, seen: NonNullable<Line['at']>, now: number) {
  const chat = seenUpTo((await hand.chat(id)) ?? newChat(id), seen)
  const waiting = await hand.waiting(id)
  const lines = waiting.filter(({ here }) => covers(chat.seen, here)).map((line) => startTimer(line, now))
  for (const line of lines) hand.putLine(line)
  let unread = 0
  for (const over of unreadOver(chat)) unread += await hand.unread(id, over)
  return { lines, chat: { ...chat, unread } }
}

/** `whole`: the chat of which nothing is to be left; if nothing is, it goes as well. */
async function remove(hand: Hand, lines: readonly Line[], whole?: string): Promise<Kept> {
  const chats = new Map<string, Chat | null>()
  if (whole !== undefined) chats.set(whole, (await hand.chat(whole)) ?? null)
  for (const line of lines) {
    const chat = chats.get(line.chat) ?? (await hand.chat(line.chat))
    if (chat) chats.set(line.chat, without(chat, line))
    hand.dropLine(line.id)
  }
  for (const [id, chat] of chats) {
    const [last = null] = await hand.before(id, Number.POSITIVE_INFINITY, 1)
    const left = chat && (last || id !== whole) ? { ...chat, last } : null
    chats.set(id, left)
    left ? hand.putChat(left) : hand.dropChat(id)
  }
  return { lines, chats }
}

/** A chat that has grown too long loses its oldest lines. */
async function trimmed(hand: Hand, chat: Chat): Promise<Chat> {
  if (chat.size <= bound.lines + bound.surplus) return chat
  const oldest = await hand.after(chat.id, Number.NEGATIVE_INFINITY, chat.size - bound.lines)
  for (const { id } of oldest) hand.dropLine(id)
  return { ...chat, size: chat.size - oldest.length, floor: oldest.at(-1)?.order ?? chat.floor }
}
