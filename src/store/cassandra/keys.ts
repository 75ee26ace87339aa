/** Public keys: what is compared and set is so by lightweight transaction, a few hundred a device in its life. */
import type { UserId } from '../../protocol/ids.ts'
import type { ShelfRow } from '../contract.ts'
import type { Requests, Statement } from './requests.ts'

const linksQuery = 'SELECT link FROM key_links WHERE user = ? AND n >= ?'
const linkInsert = 'INSERT INTO key_links (user, n, link) VALUES (?, ?, ?) IF NOT EXISTS'
const shelfQuery = 'SELECT version, shelf, once FROM key_shelves WHERE user = ? AND identity = ?'
const shelvesQuery = 'SELECT identity FROM key_shelves WHERE user = ?'
const shelfInsert =
  'INSERT INTO key_shelves (user, identity, version, shelf, once) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS'
const shelfUpdate =
  'UPDATE key_shelves SET version = ?, shelf = ?, once = ? WHERE user = ? AND identity = ? IF version = ?'
const linkDelete = 'DELETE FROM key_links WHERE user = ? AND n = ? IF EXISTS'
const shelfDelete = 'DELETE FROM key_shelves WHERE user = ? AND identity = ? IF EXISTS'

export async function links(requests: Requests, user: UserId, from: number): Promise<readonly Uint8Array[]> {
  const rows = await requests.rows(linksQuery, [user, from])
  return rows.map((row) => new Uint8Array(row['link']))
}

export const addLink = async (requests: Requests, user: UserId, n: number, link: Uint8Array): Promise<boolean> =>
  (await requests.compare(linkInsert, [user, n, Buffer.from(link)])) === undefined

export async function shelf(requests: Requests, user: UserId, identity: string): Promise<ShelfRow | undefined> {
  const [row] = await requests.rows(shelfQuery, [user, identity])
  return row && { version: row['version'], shelf: new Uint8Array(row['shelf']), once: new Uint8Array(row['once']) }
}

export async function shelves(requests: Requests, user: UserId): Promise<readonly string[]> {
  return (await requests.rows(shelvesQuery, [user])).map((row) => row['identity'])
}

export async function saveShelf(requests: Requests, user: UserId, identity: string, row: ShelfRow): Promise<boolean> {
  const { query, params } = saving(user, identity, row)
  return (await requests.compare(query, params)) === undefined
}

function saving(user: UserId, identity: string, { version, shelf, once }: ShelfRow): Statement {
  const cells = [version, Buffer.from(shelf), Buffer.from(once)]
  if (version === 1) return { query: shelfInsert, params: [user, identity, ...cells] }
  return { query: shelfUpdate, params: [...cells, user, identity, version - 1] }
}

export async function dropShelf(requests: Requests, user: UserId, identity: string): Promise<void> {
  await requests.compare(shelfDelete, [user, identity])
}

/** Links of which one conditional batch is made. */
const linksAtOnce = 100

/** Takes away links and shelves, the last link first: what is left after a failure is a chain still. */
export async function dropKeys(requests: Requests, user: UserId): Promise<void> {
  for (const identity of await shelves(requests, user)) {
    await requests.still(user)
    await dropShelf(requests, user, identity)
  }
  for (let n = (await links(requests, user, 1)).length; n > 0; n -= linksAtOnce) {
    const [first, count] = [Math.max(1, n - linksAtOnce + 1), Math.min(n, linksAtOnce)]
    const removals = Array.from({ length: count }, (_, at) => ({ query: linkDelete, params: [user, first + at] }))
    await requests.still(user)
    await requests.compareAll(removals)
  }
}
