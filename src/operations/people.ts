/** Who there is in the store. */
import { isUserId, type UserId } from '../protocol/ids.ts'
import type { PeopleStore } from '../store/contract.ts'

/** Users behind one of them, in the order of the store; `next`: behind whom the next page begins, null where there are no more. */
export async function usersAfter(
  store: PeopleStore,
  after: UserId | null,
  limit: number,
): Promise<{ readonly users: readonly UserId[]; readonly next: UserId | null }> {
  const users: UserId[] = []
  let owners = await store.owners(after, limit)
  for (; owners.length > 0; owners = await store.owners(owners.at(-1) ?? null, limit)) {
    // Groups have logs, too, and so have outboxes.
    users.push(...owners.filter((id) => isUserId(id, Number.MAX_SAFE_INTEGER)))
    if (users.length >= limit) break
  }
  const page = users.slice(0, limit)
  return { users: page, next: owners.length > 0 ? (page.at(-1) ?? null) : null }
}
