/** Where a book keeps its chats and lines: the browser's IndexedDB, memory, or what a program brings. */
import type { Chat } from './chat.ts'
import type { Line } from './line.ts'

/** What one piece of work reads and writes. It sees what it wrote itself. */
export interface Hand {
  chats(): Promise<Chat[]>
  chat(id: string): Promise<Chat | undefined>
  putChat(chat: Chat): void
  dropChat(id: string): void
  line(id: string): Promise<Line | undefined>
  putLine(line: Line): void
  dropLine(id: string): void
  /** The last lines of a chat whose `order` is below one, or the first above one; oldest first. */
  before(chat: string, order: number, count: number): Promise<Line[]>
  after(chat: string, order: number, count: number): Promise<Line[]>
  /** Lines whose `waits` is this chat. */
  waiting(chat: string): Promise<Line[]>
  /** Of lines that have `counts`: how many stand beyond a place in its log, and the first; null: all of the chat. */
  unread(chat: string, over: Line['at']): Promise<number>
  firstUnread(chat: string, over: Line['at']): Promise<Line | undefined>
  /** Lines whose `expires` is not later; and the least `expires`. */
  due(now: number): Promise<Line[]>
  nextDue(): Promise<number | undefined>
  /** Lines of all chats by id, newest first: the last below one. Ids begin with their time. */
  newest(before: string | undefined, count: number): Promise<Line[]>
}

/** Where a book keeps what it has. */
export interface Shelf {
  /** When this device began to keep: milliseconds since 1970. */
  began(): Promise<number>
  /** Does a piece of work: all of it or nothing, and durable when it resolves. `work` waits for nothing but what its hand answers. */
  read<T>(work: (hand: Hand) => Promise<T>): Promise<T>
  write<T>(work: (hand: Hand) => Promise<T>): Promise<T>
  /** Leaves it to others. */
  close(): Promise<void>
}
