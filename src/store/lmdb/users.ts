import type { UserId } from '../../protocol/ids.ts'
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
