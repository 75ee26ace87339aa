import type { Lease, LeaseStore, Lives, Reckoning, TermStore, TimeStore } from '../contract.ts'
import { isSame, renewed, taken } from '../leases.ts'
import type { Inboxes } from './inboxes.ts'

export function terms(): TermStore & LeaseStore {
  const leases = new Map<string, Lease>()
  let term = 0
  return {
    takeTerm: async () => ++term,
    async takeLease(name, holder, now, until) {
      const lease = taken(leases.get(name), holder, now, until, () => ++term)
      leases.set(name, lease)
      return lease
    },
    async renewLease(name, lease, now, until) {
      const next = renewed(leases.get(name), lease, now, until)
      if (next) leases.set(name, next)
      return next !== undefined
    },
    async releaseLease(name, lease) {
      if (isSame(leases.get(name), lease)) leases.delete(name)
    },
  }
}

export function lives(inboxes: Inboxes): Lives {
  const names = new Map<number, number>()
  return {
    async begin(term, name) {
      names.set(name, term)
    },
    termOf: async (name) => names.get(name),
    async rename(user, epoch) {
      const inbox = inboxes.of(user, epoch)
      if (inbox.epoch === epoch) return
      inbox.was = inbox.epoch
      inbox.epoch = epoch
    },
  }
}

export function time(): TimeStore {
  let kept: Reckoning | undefined
  return {
    reckoning: async () => kept,
    async saveReckoning(reckoning) {
      kept = reckoning
    },
  }
}
