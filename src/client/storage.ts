/** Where a client keeps its cursor and its outbox. Values are plain data and bytes. */
export interface Storage {
  /** All that is kept. Called once, before anything is written. */
  load(): Promise<ReadonlyMap<string, unknown>>
  /** Writes all or nothing; undefined removes. Durable when it resolves. */
  write(changes: ReadonlyMap<string, unknown>): Promise<void>
  close(): Promise<void>
}

/** Forgets when the program ends. */
export function memoryStorage(): Storage {
  const kept = new Map<string, unknown>()
  return {
    load: async () => new Map(kept),
    write: async (changes) => {
      for (const [key, value] of changes) value === undefined ? kept.delete(key) : kept.set(key, value)
    },
    close: async () => {},
  }
}

/** Keeps in the browser's IndexedDB, under `name`: one per user and device. */
export function indexedDBStorage(name: string): Storage {
  const opened = new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(`bluetick:${name}`, 1)
    request.onupgradeneeded = () => request.result.createObjectStore('kept')
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  return {
    async load() {
      const store = (await opened).transaction('kept').objectStore('kept')
      const [keys, values] = [store.getAllKeys(), store.getAll()]
      await finished(store.transaction)
      return new Map(keys.result.map((key, index) => [String(key), values.result[index]]))
    },
    async write(changes) {
      const store = (await opened).transaction('kept', 'readwrite', { durability: 'strict' }).objectStore('kept')
      for (const [key, value] of changes) value === undefined ? store.delete(key) : store.put(value, key)
      await finished(store.transaction)
    },
    close: async () => (await opened).close(),
  }
}

const finished = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onerror = () => reject(transaction.error)
    transaction.onabort = () => reject(transaction.error)
  })
