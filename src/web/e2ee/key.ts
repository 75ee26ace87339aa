/** The key of what this browser keeps: made here, kept by the browser, and never shown to anybody, nor to this page. */
const nameOf = (name: string): string => `bluetick-key:${name}`
const [store, at] = ['keys', 'key']

/** undefined: this browser has no cryptography for a page that did not come over TLS. */
export async function keyOf(name: string): Promise<CryptoKey | undefined> {
  if (!crypto.subtle) return undefined
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  const database = await opened(nameOf(name))
  try {
    return await kept(database, made)
  } finally {
    database.close()
  }
}

function opened(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => request.result.createObjectStore(store)
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** That which is there, or this one, once that is durable: of two tabs the first decides. */
function kept(database: IDBDatabase, made: CryptoKey): Promise<CryptoKey> {
  const transaction = database.transaction(store, 'readwrite', { durability: 'strict' })
  const keys = transaction.objectStore(store)
  const asked = keys.get(at)
  let key = made
  asked.onsuccess = () => {
    if (asked.result) key = asked.result
    else keys.put(made, at)
  }
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(key)
    transaction.onabort = () => reject(transaction.error)
  })
}
