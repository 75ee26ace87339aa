/** What the page shows, kept in IndexedDB so that a reload shows it again. What has vanished or is deleted leaves it at once. */
import { covers, type Line, startTimer } from './line.ts'
import { type Chat, deleted, merge, newChat, seenUpTo, without } from './model.ts'

/** Lines of a chat that are kept; of so many more, the oldest leave together. */
const bound = { lines: 2_000, surplus: 100 }

/** What became of chats; null: the chat is gone. */
export type Kept = { readonly lines: readonly Line[]; readonly chats: ReadonlyMap<string, Chat | null> }

type Stores = { readonly chats: IDBObjectStore; readonly lines: IDBObjectStore; readonly done: Promise<void> }

export class Log {
  readonly #database: IDBDatabase

  private constructor(database: IDBDatabase) {
    this.#database = database
  }

  static async open(user: string): Promise<Log> {
    const request = indexedDB.open(`bluetick-page:${user}`, 3)
    request.onupgradeneeded = () => {
      for (const name of request.result.objectStoreNames) request.result.deleteObjectStore(name)
      request.result.createObjectStore('chats', { keyPath: 'id' })
      const lines = request.result.createObjectStore('lines', { keyPath: 'id' })
      lines.createIndex('order', ['chat', 'order'])
      for (const name of ['expires', 'waits']) lines.createIndex(name, name)
    }
    return new Log(await asked(request))
  }

  async chats(): Promise<Chat[]> {
    return asked(this.#begin('readonly').chats.getAll())
  }

  /** The last lines of a chat before a place in it, oldest first. */
  lines(chat: string, before: number, count: number): Promise<Line[]> {
    return lastLines(this.#begin('readonly'), chat, before, count)
  }

  /** Takes lines in, all or none, and answers what became of them and of their chats. Those that are there already are not taken twice. */
  async keep(lines: readonly Line[], now: number): Promise<Kept> {
    const stores = this.#begin('readwrite')
    const chats = new Map<string, Chat>()
    const kept: Line[] = []
    for (const line of lines) {
      const known: Line | undefined = await asked(stores.lines.get(line.id))
      const chat: Chat = chats.get(line.chat) ?? (await asked(stores.chats.get(line.chat))) ?? newChat(line.chat)
      // Its chat has lost it already, as too old.
      if (!known && line.time <= chat.floor) continue
      const merged = merge(chat, known, line, now)
      chats.set(line.chat, merged.chat)
      kept.push(merged.line)
      stores.lines.put(merged.line)
    }
    for (const [id, chat] of chats) chats.set(id, await trimmed(stores, chat))
    for (const chat of chats.values()) stores.chats.put(chat)
    await stores.done
    return { lines: kept, chats }
  }

  /** Changes a chat; one that is not there is made. */
  async change(id: string, change: (chat: Chat) => Chat): Promise<Chat> {
    const { chats, done } = this.#begin('readwrite')
    const chat = change((await asked(chats.get(id))) ?? newChat(id))
    chats.put(chat)
    await done
    return chat
  }

  /** A chat is read up to there: the time of what waited for it runs. */
  async read(id: string, seen: Line['at'], now: number): Promise<Kept> {
    const stores = this.#begin('readwrite')
    const chat = seenUpTo((await asked(stores.chats.get(id))) ?? newChat(id), seen)
    const waiting: Line[] = await asked(stores.lines.index('waits').getAll(id))
    const lines = waiting.filter(({ here }) => covers(chat.seen, here)).map((line) => startTimer(line, now))
    for (const line of lines) stores.lines.put(line)
    stores.chats.put(chat)
    await stores.done
    return { lines, chats: new Map([[id, chat]]) }
  }

  /** When the next line vanishes; undefined where none does. */
  async nextDue(): Promise<number | undefined> {
    const cursor = await asked(this.#begin('readonly').lines.index('expires').openKeyCursor())
    return cursor?.key as number | undefined
  }

  /** Takes out what has vanished by now. */
  async vanish(now: number): Promise<Kept> {
    const stores = this.#begin('readwrite')
    const lines: Line[] = await asked(stores.lines.index('expires').getAll(IDBKeyRange.upperBound(now)))
    return this.#remove(stores, lines)
  }

  /** Takes out what was deleted at these places of this user's inbox. */
  async erase(chat: string, epoch: number, from: number, upTo: number): Promise<Kept> {
    const stores = this.#begin('readwrite')
    const lines: Line[] = await asked(stores.lines.index('order').getAll(wholeOf(chat)))
    return this.#remove(stores, deleted(lines, epoch, from, upTo), from === 1 ? chat : undefined)
  }

  /** Takes out one line; or a chat, but for what waits to be sent. */
  async delete(chat: string, id?: string): Promise<Kept> {
    const stores = this.#begin('readwrite')
    const lines: Line[] = await asked(stores.lines.index('order').getAll(wholeOf(chat)))
    const meant = id === undefined ? ({ state }: Line) => state !== 'queued' : (line: Line) => line.id === id
    return this.#remove(stores, lines.filter(meant), id === undefined ? chat : undefined)
  }

  /** `whole`: the chat of which nothing is to be left; if nothing is, it goes as well. */
  async #remove(stores: Stores, lines: readonly Line[], whole?: string): Promise<Kept> {
    const chats = new Map<string, Chat | null>()
    if (whole !== undefined) chats.set(whole, (await asked(stores.chats.get(whole))) ?? null)
    for (const line of lines) {
      const chat: Chat | undefined = chats.get(line.chat) ?? (await asked(stores.chats.get(line.chat)))
      if (chat) chats.set(line.chat, without(chat, line))
      stores.lines.delete(line.id)
    }
    for (const [id, chat] of chats) {
      const [last = null] = await lastLines(stores, id, Number.POSITIVE_INFINITY, 1)
      const left = chat && (last || id !== whole) ? { ...chat, last } : null
      chats.set(id, left)
      left ? stores.chats.put(left) : stores.chats.delete(id)
    }
    await stores.done
    return { lines, chats }
  }

  #begin(mode: IDBTransactionMode): Stores {
    const transaction = this.#database.transaction(['chats', 'lines'], mode)
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
    return { chats: transaction.objectStore('chats'), lines: transaction.objectStore('lines'), done }
  }
}

const wholeOf = (chat: string) => IDBKeyRange.bound([chat], [chat, Number.POSITIVE_INFINITY])

async function lastLines({ lines }: Pick<Stores, 'lines'>, chat: string, before: number, count: number) {
  const found: Line[] = []
  const range = IDBKeyRange.bound([chat], [chat, before], false, true)
  const request = lines.index('order').openCursor(range, 'prev')
  for (let cursor = await asked(request); cursor && found.length < count; cursor = await asked(request)) {
    found.unshift(cursor.value)
    cursor.continue()
  }
  return found
}

/** A chat that has grown too long loses its oldest lines. */
async function trimmed({ lines }: Stores, chat: Chat): Promise<Chat> {
  if (chat.size <= bound.lines + bound.surplus) return chat
  const oldest: Line[] = await asked(lines.index('order').getAll(wholeOf(chat.id), chat.size - bound.lines))
  for (const { id } of oldest) lines.delete(id)
  return { ...chat, size: chat.size - oldest.length, floor: oldest.at(-1)?.order ?? chat.floor }
}

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
