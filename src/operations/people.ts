/** Who there is in the store, and in which groups somebody is. */
import { type NodeRouter, toGroup } from '../../actors/addresses.ts'
import { type ChatId, type GroupId, isGroup, isUserId, type UserId } from '../protocol/ids.ts'
import { type Clock, othersTurn } from '../runtime/index.ts'
import type { PeopleStore } from '../store/contract.ts'

/** After each page others have their turn: an embedded store answers at once, and of 20,000 groups held up everybody for a second. */
type Listed = { readonly store: PeopleStore; readonly clock: Pick<Clock, 'soon'> }

/** Users behind one of them, in the order of the store; `next`: behind whom the next page begins, null where there are no more. */
export async function usersAfter(
  { store, clock }: Listed,
  after: UserId | null,
  limit: number,
): Promise<{ readonly users: readonly UserId[]; readonly next: UserId | null }> {
  const users: UserId[] = []
  let owners = await store.owners(after, limit)
  for (; owners.length > 0; owners = await store.owners(owners.at(-1) ?? null, limit)) {
    await othersTurn(clock)
    // Groups have logs, too, and so have outboxes.
    users.push(...owners.filter((id) => isUserId(id, Number.MAX_SAFE_INTEGER)))
    if (users.length >= limit) break
  }
  const page = users.slice(0, limit)
  return { users: page, next: owners.length > 0 ? (page.at(-1) ?? null) : null }
}

/** Logs that are listed at a time, and groups that are asked at a time. */
const [listedAtOnce, askedAtOnce] = [1_000, 16]

/** A group, and why it did not say who has to do with it; undefined: it did. */
export type Tied = { readonly group: GroupId; readonly why?: string }

/**
 * Groups that have something to do with a user, who is in them, or is yet to get something of them. All groups are asked: nothing else knows
 * them for certain. One that is damaged, or on a node that does not answer, is told with the reason: the user may be in it.
 */
export async function* tiedGroups(
  { store, clock, router }: Listed & { readonly router: NodeRouter },
  user: UserId,
): AsyncGenerator<Tied> {
  for (let after: ChatId | null = null; ; ) {
    await othersTurn(clock)
    const owners: readonly ChatId[] = await store.owners(after, listedAtOnce)
    const groups = owners.filter((id): id is GroupId => isGroup(id))
    for (let at = 0; at < groups.length; at += askedAtOnce) {
      const some = groups.slice(at, at + askedAtOnce)
      const asked = some.map(async (group): Promise<Tied[]> => {
        const ties = await router.query(toGroup(group), 'ties')
        return ties.includes(user) ? [{ group }] : []
      })
      for (const [n, tied] of (await Promise.allSettled(asked)).entries())
        yield* tied.status === 'fulfilled' ? tied.value : [{ group: some[n] as GroupId, why: words(tied.reason) }]
      await othersTurn(clock)
    }
    const last = owners.at(-1)
    if (last === undefined) return
    after = last
  }
}

/** Why something failed, in words. */
export const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))
