/** A store that forgets: for tests, and to see how the contract is meant. It is put together as the contract is. */
import type { Millis, UserId } from '../protocol/ids.ts'
import type { Settings } from '../protocol/settings.ts'
import type { ShelfRow, Store } from './contract.ts'
import { StoreError } from './error.ts'
import { groups, notes } from './memory/groups.ts'
import { histories } from './memory/history.ts'
import { Inboxes } from './memory/inboxes.ts'
import { keys } from './memory/keys.ts'
import { expiry, logs, traces } from './memory/logs.ts'
import { mediaRecords } from './memory/media.ts'
import { lives, terms, time } from './memory/nodes.ts'
import { people } from './memory/people.ts'
import { bans, preferences, presence } from './memory/users.ts'
import { completeRetention, type Retention } from './retention.ts'

/** A store in memory. It may be closed and opened again; it keeps what it has. Throws for options that cannot be. */
export function memoryStore(options: Partial<Retention> = {}): Store {
  const retention = completeRetention('memoryStore', options)
  const inboxes = new Inboxes()
  const [seen, settings] = [new Map<UserId, Millis>(), new Map<UserId, Settings>()]
  const [links, shelves] = [new Map<UserId, Uint8Array[]>(), new Map<UserId, Map<string, ShelfRow>>()]
  let opened = false
  const isOpen = () => opened
  return {
    async open() {
      opened = true
    },
    async close() {
      opened = false
    },
    health: async () => (opened ? { ok: true } : { ok: false, reason: 'the store is not open' }),
    ...whileOpen(isOpen, logs(inboxes)),
    ...whileOpen(isOpen, histories(inboxes)),
    ...whileOpen(isOpen, traces(inboxes)),
    ...whileOpen(isOpen, expiry(inboxes, retention)),
    ...whileOpen(isOpen, groups()),
    ...whileOpen(isOpen, notes()),
    ...whileOpen(isOpen, presence(seen)),
    ...whileOpen(isOpen, preferences(settings)),
    ...whileOpen(isOpen, bans()),
    ...whileOpen(isOpen, keys(links, shelves)),
    ...whileOpen(isOpen, people(inboxes, [seen, settings, links, shelves])),
    ...whileOpen(isOpen, terms()),
    ...whileOpen(isOpen, time()),
    lives: whileOpen(isOpen, lives(inboxes)),
    media: mediaRecords(),
  }
}

/** A part of the store whose calls reject while it is closed. */
function whileOpen<Part extends object>(isOpen: () => boolean, part: Part): Part {
  const guarded = Object.entries(part).map(([name, call]: [string, (...args: unknown[]) => Promise<unknown>]) => [
    name,
    async (...args: unknown[]) => {
      if (!isOpen()) throw new StoreError('closed', 'The store is not open.')
      return call(...args)
    },
  ])
  return Object.fromEntries(guarded) as Part
}
