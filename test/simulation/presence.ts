/** What is said of who is online, and of when somebody was seen last. */
import { expect } from 'vitest'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { isGroup } from '../../src/protocol/ids.ts'
import type { Device } from './device.ts'
import type { World } from './world.ts'

/** Whose person did nothing for so long is not online. */
const onlineMs = 20_000
/** What is due in so many milliseconds may have happened. */
const roughMs = 1_000

/** As it leaves the node. */
export function told({ time }: World, [, user, , lastSeen]: Extract<ServerFrame, readonly ['presence', ...unknown[]]>) {
  expect(lastSeen ?? 0, `${user} was not seen later than now`).toBeLessThanOrEqual(time.wall)
}

/** A watcher has heard whether each whom they watch is online, and else when they were seen last: not before what they did last. */
export function watches({ time, devices }: World, { watched }: Device): void {
  for (const [user, seen] of watched) {
    if (isGroup(user)) continue
    const did = Math.max(...devices.filter((device) => device.user === user).map(({ activeAt }) => activeAt))
    const since = time.now - did
    if (Math.abs(since - onlineMs) > roughMs) expect(seen?.online, `whether ${user} is online`).toBe(since < onlineMs)
    if (seen?.online === false) expect(seen.lastSeen, `${user} was seen`).toBeGreaterThanOrEqual(time.earliest(did))
  }
}
