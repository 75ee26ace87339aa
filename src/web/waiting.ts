/** Files that wait to be sent, kept in IndexedDB: a reload loses none, nor does a crash, and none is sent twice. */

export type Waiting = {
  /** Of the message that will carry it. Begins with its time: they are sent in this order. */
  readonly id: string
  readonly chat: string
  readonly file: File
  readonly caption: string
}

export class WaitingFiles {
  readonly #database: Promise<IDBDatabase>

  constructor(name: string) {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => request.result.createObjectStore('files', { keyPath: 'id' })
    this.#database = asked(request).then((database) => {
      // Another tab wants to delete it: this one must not be in the way.
      database.onversionchange = () => database.close()
      return database
    })
  }

  all(): Promise<Waiting[]> {
    return this.#run('readonly', (files) => files.getAll())
  }

  put(waiting: Waiting): Promise<unknown> {
    return this.#run('readwrite', (files) => files.put(waiting))
  }

  delete(id: string): Promise<unknown> {
    return this.#run('readwrite', (files) => files.delete(id))
  }

  async close(): Promise<void> {
    ;(await this.#database.catch(() => undefined))?.close()
  }

  async #run<T>(mode: IDBTransactionMode, call: (files: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const transaction = (await this.#database).transaction('files', mode, { durability: 'strict' })
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
    const request = call(transaction.objectStore('files'))
    await done
    return request.result
  }
}

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
