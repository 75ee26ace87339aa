import type { ChatId, UserId } from '../../protocol/ids.ts'
import type { Tables } from './tables.ts'

/** Everyone of whom anything is known, once. `fresh`: those of whom the journal knows. */
export function* usersOf(
  { logs, cursors, seen, preferences, links }: Tables,
  fresh: ReadonlySet<UserId>,
): Generator<UserId> {
  yield* fresh
  const tables = [logs, cursors, seen, preferences]
  for (const [at, table] of tables.entries())
    for (const user of table.getKeys({}) as Iterable<UserId>)
      if (!fresh.has(user) && !tables.slice(0, at).some((earlier) => earlier.doesExist(user))) yield user
  for (const [user, n] of links.getKeys({}) as Iterable<[UserId, number]>)
    if (n === 1 && !fresh.has(user) && !tables.some((table) => table.doesExist(user))) yield user
}

/** Whoever has a log or cursors, in the order of the bytes of their ids, which is that of the tables. */
export function ownersOf(
  { logs, cursors }: Tables,
  fresh: Iterable<UserId>,
  after: ChatId | null,
  limit: number,
): readonly ChatId[] {
  const range = after === null ? { limit } : { start: after, exclusiveStart: true, limit }
  const stored = inOrder(new Set([...logs.getKeys(range), ...cursors.getKeys(range)] as ChatId[])).slice(0, limit)
  const [first, last] = [after, stored.length < limit ? undefined : stored.at(-1)].map((id) => id && Buffer.from(id))
  const found = new Set(stored)
  // Of the journal, which may know of 100,000, only what this page may have is put in order.
  for (const id of fresh) {
    const bytes = Buffer.from(id)
    if ((!first || bytes.compare(first) > 0) && (!last || bytes.compare(last) < 0)) found.add(id)
  }
  return inOrder(found).slice(0, limit)
}

const inOrder = (ids: Iterable<ChatId>): readonly ChatId[] =>
  [...ids]
    .map((id) => ({ id, bytes: Buffer.from(id) }))
    .sort((a, b) => a.bytes.compare(b.bytes))
    .map(({ id }) => id)
