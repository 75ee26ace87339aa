/** What the page shows, kept in IndexedDB so that a reload shows it again. */
import type { MessageState } from '../client/index.ts'

export type Line = {
  readonly id: string
  readonly chat: string
  readonly mine: boolean
  readonly body: string
  readonly time: number
  readonly state: MessageState
}

const opened = new Map<string, Promise<IDBDatabase>>()

function database(user: string): Promise<IDBDatabase> {
  const known = opened.get(user) ?? asked(indexedDB.open(`bluetick-page:${user}`, 1))
  opened.set(user, known)
  return known
}

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (request instanceof IDBOpenDBRequest)
      request.onupgradeneeded = () => request.result.createObjectStore('lines', { keyPath: 'id' })
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** All lines, oldest first. */
export async function loadLines(user: string): Promise<Line[]> {
  const lines: Line[] = await asked((await database(user)).transaction('lines').objectStore('lines').getAll())
  return lines.sort((a, b) => a.time - b.time)
}

export async function saveLine(user: string, line: Line): Promise<void> {
  await asked((await database(user)).transaction('lines', 'readwrite').objectStore('lines').put(line))
}
