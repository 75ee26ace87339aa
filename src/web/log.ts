/** What the page shows, kept in IndexedDB so that a reload shows it again. */
import { type Chat, type Line, merge, newChat } from './model.ts'

export class Log {
  readonly #database: IDBDatabase

  private constructor(database: IDBDatabase) {
    this.#database = database
  }

  static async open(user: string): Promise<Log> {
    const request = indexedDB.open(`bluetick-page:${user}`, 2)
    request.onupgradeneeded = () => {
      for (const name of request.result.objectStoreNames) request.result.deleteObjectStore(name)
      request.result.createObjectStore('chats', { keyPath: 'id' })
      request.result.createObjectStore('lines', { keyPath: 'id' }).createIndex('order', ['chat', 'order'])
    }
    return new Log(await asked(request))
  }

  async chats(): Promise<Chat[]> {
    return asked(this.#begin('readonly').chats.getAll())
  }

  /** The last lines of a chat before a place in it, oldest first. */
  async lines(chat: string, before: number, count: number): Promise<Line[]> {
    const lines: Line[] = []
    const range = IDBKeyRange.bound([chat], [chat, before], false, true)
    const request = this.#begin('readonly').lines.index('order').openCursor(range, 'prev')
    for (let cursor = await asked(request); cursor && lines.length < count; cursor = await asked(request)) {
      lines.unshift(cursor.value)
      cursor.continue()
    }
    return lines
  }

  /** Takes lines in, all or none, and answers what became of them and of their chats. Those that are there already are not taken twice. */
  async keep(lines: readonly Line[]): Promise<{ readonly lines: Line[]; readonly chats: Map<string, Chat> }> {
    const stores = this.#begin('readwrite')
    const chats = new Map<string, Chat>()
    const kept: Line[] = []
    for (const line of lines) {
      const known: Line | undefined = await asked(stores.lines.get(line.id))
      const chat: Chat = chats.get(line.chat) ?? (await asked(stores.chats.get(line.chat))) ?? newChat(line.chat)
      const merged = merge(chat, known, line)
      chats.set(line.chat, merged.chat)
      kept.push(merged.line)
      stores.lines.put(merged.line)
    }
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

  #begin(mode: IDBTransactionMode) {
    const transaction = this.#database.transaction(['chats', 'lines'], mode)
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
    return { chats: transaction.objectStore('chats'), lines: transaction.objectStore('lines'), done }
  }
}

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
