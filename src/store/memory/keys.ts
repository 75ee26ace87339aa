import type { UserId } from '../../protocol/ids.ts'
import type { KeyStore, ShelfRow } from '../contract.ts'

export function keys(links: Map<UserId, Uint8Array[]>, shelves: Map<UserId, Map<string, ShelfRow>>): KeyStore {
  return {
    links: async (user, from) => (links.get(user) ?? []).slice(from - 1),
    async addLink(user, n, link) {
      const known = links.get(user) ?? []
      if (known[n - 1]) return false
      known[n - 1] = link.slice()
      links.set(user, known)
      return true
    },
    shelf: async (user, identity) => shelves.get(user)?.get(identity),
    shelves: async (user) => [...(shelves.get(user)?.keys() ?? [])],
    async saveShelf(user, identity, row) {
      const known = shelves.get(user) ?? new Map<string, ShelfRow>()
      if ((known.get(identity)?.version ?? 0) !== row.version - 1) return false
      shelves.set(user, known.set(identity, structuredClone(row)))
      return true
    },
    async dropShelf(user, identity) {
      shelves.get(user)?.delete(identity)
    },
  }
}
