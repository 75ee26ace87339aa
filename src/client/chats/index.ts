import type { Client } from '../client.ts'
import { Book } from './book.ts'
import { LiveChats } from './live.ts'
import { memoryShelf } from './memory.ts'
import type { Shelf } from './shelf.ts'

export { isArchived, isMuted, isPinned } from './agreed.ts'
export type { Book, BookEvents } from './book.ts'
export { type Chat, deleted, newChat, newestTime, titleOf } from './chat.ts'
export { indexedDBShelf } from './indexeddb.ts'
export { isGroup, type Line, type Note } from './line.ts'
export type { LiveChats } from './live.ts'
export { memoryShelf } from './memory.ts'
export type { Past } from './past.ts'
export type { Hand, Shelf } from './shelf.ts'

/**
 * The chats of a client's user: what comes and what is sent is kept on `shelf` (default: in memory) before it is shown, with what is
 * unread. It takes the client's messages, which have one reader.
 */
export const openBook = (client: Client, user: string, shelf: Shelf = memoryShelf()): Promise<Book> =>
  Book.open(client, user, shelf)

/**
 * The chats of a client's user as the server has them, with what is unread, kept as they become: a listener hears of each change, and so
 * does `for await`. It reads no messages: that is for the program. Rejects with a ClosedError when the client ends first.
 */
export const liveChats = (client: Client): Promise<LiveChats> => LiveChats.open(client)
