import { chatOf, goneOf, isErased } from '../../protocol/entry.ts'
import type { HistoryStore } from '../contract.ts'
import type { Inboxes } from './inboxes.ts'
import { page } from './page.ts'

export const histories = (inboxes: Inboxes): HistoryStore => ({
  async history(user, chat, before, limit, bytes) {
    const kept = [...(inboxes.get(user)?.kept.values() ?? [])]
      .filter((entry) => chatOf(entry) === chat && (!before || entry.seq < before.seq))
      .sort((a, b) => b.seq - a.seq)
    return page(kept, limit, bytes)
  },
  async erase(user, chat, from, upTo) {
    const inbox = inboxes.get(user)
    if (!inbox) return
    inbox.entries = inbox.entries.map((entry) => (isErased(entry, chat, from, upTo) ? goneOf(entry) : entry))
    for (const entry of inbox.kept.values()) if (isErased(entry, chat, from, upTo)) inbox.kept.delete(entry.seq)
  },
})
