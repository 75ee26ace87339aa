import type { Lives, Reckoning, TermStore, TimeStore } from '../contract.ts'
import type { Inboxes } from './inboxes.ts'

export function terms(): TermStore {
  let term = 0
  return { takeTerm: async () => ++term }
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
