/** Whose tokens are good, where that is asked for each request. */
import { expect, it } from 'vitest'
import { withRemoval } from '../../actors/removals.ts'
import { openSettings } from '../../actors/settings.ts'
import { startUser } from '../../actors/user/state.ts'
import { type Entrant, removedDevices } from '../../src/hosts/entrance.ts'
import type { Users } from '../../src/hosts/users.ts'
import type { DeviceId, UserId } from '../../src/protocol/ids.ts'
import { memoryStore } from '../../src/store/memory.ts'

const alice = 'alice' as UserId

it('of requests, too, only those are refused whose device was removed, however many others were', async () => {
  const store = memoryStore()
  await store.open()
  const cursors = [
    { device: 'laptop' as DeviceId, seq: 0, seenAt: 5 },
    { device: 'device 2' as DeviceId, seq: 0, seenAt: 0 },
  ]
  await store.saveCursors(alice, 7, cursors, 0)
  let settings = openSettings
  for (let n = 1; n <= 20; n++) settings = withRemoval(settings, `device ${n}` as DeviceId, n * 1_000)
  await store.saveSettings(alice, settings)
  const awake = startUser(alice, await store.load(alice), 7, settings)
  for (const state of [undefined, awake]) {
    const removed = removedDevices({ peek: () => state } as unknown as Users, store)
    const isOut = (device: string | null, issuedAt: number | undefined) =>
      removed({ user: alice, device, issuedAt, expiresIn: null } as Entrant)
    expect(await Promise.all(['laptop', 'device 1', 'device 2', 'device 20'].map((name) => isOut(name, 500)))).toEqual([
      false,
      true,
      true,
      true,
    ])
    expect([await isOut('device 20', 20_001), await isOut(null, 500), await isOut('device 20', undefined)]).toEqual([
      false,
      false,
      false,
    ])
  }
})
