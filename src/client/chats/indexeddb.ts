/** A shelf for browsers: what was kept is shown again after a reload. */
import type { Chat } from './chat.ts'
import type { Line } from './line.ts'
import type { Hand, Shelf } from './shelf.ts'

/** Keeps in the browser's IndexedDB under `name`, which is one per user. */
export function indexedDBShelf(name: string): Shelf {
  let opened: Promise<IDBDatabase> | undefined
  const database = () => {
    opened ??= open(name)
    return opened
  }
  const run = async <T>(mode: IDBTransactionMode, work: (hand: Hand) => Promise<T>): Promise<T> => {
    const transaction = (await database()).transaction(['chats', 'lines'], mode)
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error ?? new DOMException('it was aborted', 'AbortError'))
    })
    try {
      const answer = await work(new StoreHand(transaction))
      await done
      return answer
    } catch (error) {
      done.catch(() => undefined)
      // What has ended cannot be aborted.
      if (transaction.error === null) abort(transaction)
      throw error
    }
  }
  return {
    began: async () => asked((await database()).transaction('about').objectStore('about').get('began')),
    read: (work) => run('readonly', work),
    write: (work) => run('readwrite', work),
    close: async () => (await database().catch(() => undefined))?.close(),
  }
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It is over already.
  }
}

async function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 4)
  request.onupgradeneeded = () => {
    const database = request.result
    for (const store of database.objectStoreNames) database.deleteObjectStore(store)
    database.createObjectStore('chats', { keyPath: 'id' })
    const lines = database.createObjectStore('lines', { keyPath: 'id' })
    lines.createIndex('order', ['chat', 'order'])
    for (const index of ['expires', 'waits', 'counts']) lines.createIndex(index, index)
    database.createObjectStore('about').put(Date.now(), 'began')
  }
  const database = await asked(request)
  // Another tab wants to delete or upgrade it: this one must not be in the way.
  database.onversionchange = () => database.close()
  return database
}

class StoreHand implements Hand {
  readonly #chats: IDBObjectStore
  readonly #lines: IDBObjectStore

  constructor(transaction: IDBTransaction) {
    this.#chats = transaction.objectStore('chats')
    this.#lines = transaction.objectStore('lines')
  }

  chats(): Promise<Chat[]> {
    return asked(this.#chats.getAll())
  }

  chat(id: string): Promise<Chat | undefined> {
    return asked(this.#chats.get(id))
  }

  putChat(chat: Chat): void {
    this.#chats.put(chat)
  }

  dropChat(id: string): void {
    this.#chats.delete(id)
  }

  line(id: string): Promise<Line | undefined> {
    return asked(this.#lines.get(id))
  }

  putLine(line: Line): void {
    this.#lines.put(line)
  }

  dropLine(id: string): void {
    this.#lines.delete(id)
  }

  before(chat: string, order: number, count: number): Promise<Line[]> {
    const range = IDBKeyRange.bound([chat], [chat, order], false, true)
    return upTo(this.#lines.index('order').openCursor(range, 'prev'), count).then((lines) => lines.reverse())
  }

  after(chat: string, order: number, count: number): Promise<Line[]> {
    const range = IDBKeyRange.bound([chat, order], [chat, Number.POSITIVE_INFINITY], true, false)
    return asked(this.#lines.index('order').getAll(range, count))
  }

  waiting(chat: string): Promise<Line[]> {
    return asked(this.#lines.index('waits').getAll(chat))
  }

  unread(chat: string, over: Line['at']): Promise<number> {
    return asked(this.#lines.index('counts').count(beyond(chat, over)))
  }

  firstUnread(chat: string, over: Line['at']): Promise<Line | undefined> {
    return asked(this.#lines.index('counts').get(beyond(chat, over)))
  }

  due(now: number): Promise<Line[]> {
    return asked(this.#lines.index('expires').getAll(IDBKeyRange.upperBound(now)))
  }

  async nextDue(): Promise<number | undefined> {
    const cursor = await asked(this.#lines.index('expires').openKeyCursor())
    return cursor?.key as number | undefined
  }

  newest(before: string | undefined, count: number): Promise<Line[]> {
    const range = before === undefined ? undefined : IDBKeyRange.upperBound(before, true)
    return upTo(this.#lines.openCursor(range, 'prev'), count)
  }
}

const beyond = (chat: string, over: Line['at']): IDBKeyRange =>
  over === null
    ? IDBKeyRange.bound([chat], [chat, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
    : IDBKeyRange.bound([chat, over.epoch, over.seq], [chat, over.epoch, Number.POSITIVE_INFINITY], true)

async function upTo(request: IDBRequest<IDBCursorWithValue | null>, count: number): Promise<Line[]> {
  const found: Line[] = []
  for (let cursor = await asked(request); cursor && found.length < count; cursor = await asked(request)) {
    found.push(cursor.value)
    cursor.continue()
  }
  return found
}

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
