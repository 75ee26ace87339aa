/** Storage for browsers. */
import { StorageError } from './errors.ts'
import type { Storage } from './storage.ts'

/**
 * Keeps in the browser's IndexedDB, under `name`: one per user and device. The client that opens it last has it: a tab that
 * had it before can write nothing more, and its session ends with `storage_taken`. That is checked within each write, so two
 * tabs never mix what they keep.
 */
export function indexedDBStorage(name: string): Storage {
  const owner = crypto.getRandomValues(new Uint32Array(4)).join('-')
  let opened: Promise<IDBDatabase> | undefined
  const database = () => {
    opened ??= open(`bluetick:${name}`)
    return opened
  }
  return {
    place: `indexedDB:${name}`,
    async load() {
      const { kept, owners, done } = begin(await database())
      owners.put(owner, 'owner')
      const [keys, values] = [kept.getAllKeys(), kept.getAll()]
      await done
      return new Map(keys.result.map((key, index) => [String(key), values.result[index]]))
    },
    async write(changes) {
      const { kept, owners, done, transaction } = begin(await database())
      let taken = false
      const asked = owners.get('owner')
      asked.onsuccess = () => {
        taken = asked.result !== owner
        if (taken) return transaction.abort()
        for (const [key, value] of changes) value === undefined ? kept.delete(key) : kept.put(value, key)
      }
      await done.catch((error) => {
        throw taken ? new StorageError('storage_taken', `another tab has taken over the storage ${name}`) : error
      })
    },
    async close() {
      ;(await database().catch(() => undefined))?.close()
    },
  }
}

function open(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 2)
    request.onupgradeneeded = () => {
      for (const store of ['kept', 'owner'])
        if (!request.result.objectStoreNames.contains(store)) request.result.createObjectStore(store)
    }
    request.onsuccess = () => {
      // Another tab wants to delete or upgrade it: this one must not be in the way.
      request.result.onversionchange = () => request.result.close()
      resolve(request.result)
    }
    request.onerror = () => reject(request.error)
  })
}

function begin(database: IDBDatabase) {
  const transaction = database.transaction(['kept', 'owner'], 'readwrite', { durability: 'strict' })
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () =>
      reject(transaction.error ?? new DOMException('the transaction was aborted', 'AbortError'))
  })
  return { transaction, done, kept: transaction.objectStore('kept'), owners: transaction.objectStore('owner') }
}
