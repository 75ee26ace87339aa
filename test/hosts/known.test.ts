/** What is known of a user: by their actor where it is present, else by the store. */
import { expect, it } from 'vitest'
import { openSettings } from '../../actors/settings.ts'
import { startUser } from '../../actors/user/state.ts'
import { known } from '../../src/hosts/known.ts'
import { memoryStore } from '../../src/index.ts'
import type { DeviceId } from '../../src/protocol/ids.ts'
import { message, settings, user } from '../contracts/store.ts'

const bob = user('bob')
const cursors = [
  { device: 'phone' as DeviceId, seq: 2, seenAt: 20 },
  { device: 'laptop' as DeviceId, seq: 1, seenAt: 10 },
]

async function start() {
  const store = memoryStore()
  await store.open()
  await store.append(bob, 7, await store.takeTerm(), [message(1), message(2), message(3)])
  await store.saveCursors(bob, 7, cursors, 0)
  return { store, ask: known(store) }
}

/** Bob's actor, whose phone is connected and has acknowledged more than the store knows. */
async function awake(store: Awaited<ReturnType<typeof start>>['store']) {
  const state = startUser(bob, await store.load(bob), 9, settings)
  const phone = state.log.readers.find(({ device }) => device === 'phone')
  Object.assign(phone as object, { session: 41, acked: 3, seenAt: 30, sizes: [5, 6] })
  return state
}

it('of a user whom nobody knows there is no inbox, no session, and the settings are those of everybody', async () => {
  const { ask } = await start()
  const eve = user('eve')
  expect(await ask.inbox(eve, undefined)).toBe(undefined)
  expect(await ask.sessions(eve, undefined)).toEqual([])
  expect(await ask.settings(eve, undefined)).toEqual(openSettings)
})

it('of a user whose actor is not present the store says it, and no device is connected', async () => {
  const { store, ask } = await start()
  await store.saveSettings(bob, settings)
  expect(await ask.settings(bob, undefined)).toEqual(settings)
  expect(await ask.sessions(bob, undefined)).toEqual([])
  expect(await ask.inbox(bob, undefined)).toMatchObject({
    epoch: 7,
    tail: 3,
    devices: [
      { device: 'phone', connected: false, cursor: 2, seenAt: 20, unacknowledged: 0 },
      { device: 'laptop', connected: false, cursor: 1, seenAt: 10, unacknowledged: 0 },
    ],
  })
})

it('an actor that is present knows better than the store: it says who is connected, and what waits for an ack', async () => {
  const { store, ask } = await start()
  const state = await awake(store)
  await store.saveSettings(bob, { ...settings, writers: 'nobody' })
  expect(await ask.settings(bob, state)).toEqual(settings)
  expect(await ask.sessions(bob, state)).toEqual([41])
  expect(await ask.inbox(bob, state)).toEqual({
    epoch: 7,
    tail: 3,
    devices: [
      { device: 'phone', connected: true, cursor: 3, seenAt: 30, unacknowledged: 2 },
      { device: 'laptop', connected: false, cursor: 1, seenAt: 10, unacknowledged: 0 },
    ],
  })
})

it('an actor that is present is asked even where the store does not answer', async () => {
  const { store, ask } = await start()
  const state = await awake(store)
  await store.close()
  expect(await ask.inbox(bob, state)).toMatchObject({ tail: 3 })
  expect(await ask.settings(bob, state)).toEqual(settings)
  await expect(ask.inbox(bob, undefined)).rejects.toThrow('not open')
})
