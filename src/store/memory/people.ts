import { type Carrier, chatOf } from '../../protocol/entry.ts'
import type { UserId } from '../../protocol/ids.ts'
import type { PeopleStore } from '../contract.ts'
import type { Inboxes } from './inboxes.ts'

/** `kept`: what is kept of users besides their inboxes, by user. */
export function people(inboxes: Inboxes, kept: readonly Map<UserId, unknown>[]): PeopleStore {
  const underWay = new Set<UserId>()
  return {
    ...listed(inboxes, kept),
    erasures: async () => [...underWay],
    saveErasure: async (user, is) => void (is ? underWay.add(user) : underWay.delete(user)),
  }
}

const listed = (
  inboxes: Inboxes,
  kept: readonly Map<UserId, unknown>[],
): Omit<PeopleStore, 'erasures' | 'saveErasure'> => ({
  async owners(after, limit) {
    const owners = [...inboxes.all.keys()].sort()
    return owners.filter((owner) => after === null || owner > after).slice(0, limit)
  },
  histories: async (user) => [
    ...new Set([...(inboxes.get(user)?.kept.values() ?? [])].map((entry: Carrier) => chatOf(entry))),
  ],
  async wipe(user) {
    for (const of of kept) of.delete(user)
    const inbox = inboxes.get(user)
    if (!inbox) return
    const { tail } = inbox
    Object.assign(inbox, { entries: [], head: tail + 1, cursors: [], settled: tail })
    inbox.kept.clear()
    inbox.reads.clear()
  },
})
