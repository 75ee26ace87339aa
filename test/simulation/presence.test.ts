/** Somebody leaves, and the node dies before, between or after what it does about that. */
import { expect, it } from 'vitest'
import type { Device } from './device.ts'
import { begin } from './play.ts'
import { settle } from './settle.ts'
import type { World } from './world.ts'

const people = [
  ['ann', 'phone'],
  ['ben', 'phone'],
] as const

/** The node goes on until it has asked the store to keep when somebody was seen. */
async function untilSaving(world: World, { user }: Device): Promise<void> {
  const { disk } = world
  const isOf = (seen: unknown) => seen instanceof Map && seen.has(user)
  const isSaving = () => disk.calls.some(({ name, args }) => name === 'saveLastSeen' && isOf(args[0]))
  for (let left = 20; left > 0; left--) {
    await world.turns()
    if (isSaving()) break
    await world.answers()
    await world.tick(100)
  }
  expect(isSaving()).toBe(true)
}

/** What Ann, who comes and looks a minute later, is told of Ben. */
async function look(world: World, ann: Device, ben: Device) {
  await world.tick(60_000)
  world.connect(ann)
  ann.watch(ben.user)
  for (let left = 4; left > 0; left--) {
    await world.frames(ann)
    await world.flow()
  }
  return ann.watched.get(ben.user)
}

it.each<[string, (world: World) => Promise<void>, boolean]>([
  ['the store has it', async (world) => void (await world.flow()), true],
  ['the node dies when the store has it, and has not answered', (world) => world.kill(7 * 8), true],
  ['the node dies before the store has it', (world) => world.kill(0), false],
  [
    'the store fails, and the node tries again',
    async (world) => {
      for (const { end } of world.disk.calls.splice(0)) await end('fails')
      await world.turns()
      await world.tick(6_000)
      await world.flow()
      await world.kill(0)
    },
    true,
  ],
])('who left was seen when they did, where %s', async (_, goesOn, isKept) => {
  const world = await begin(people)
  const [ann, ben] = world.devices as [Device, Device]
  await settle(world)
  await world.disconnect(ann, true)
  world.write(ben, ann.user)
  world.send(ben, ann.user)
  await world.frames(ben)
  await world.flow()
  await world.tick(5_000)
  // When somebody who is there was seen last is kept again and again; they leave at another moment.
  do {
    await world.flow()
    await world.tick(100)
  } while (world.disk.calls.length > 0)
  const { wall } = world.time
  const before = (await world.disk.lastSeen(ben.user)) ?? null
  await world.disconnect(ben, true)
  await untilSaving(world, ben)
  await goesOn(world)
  expect(await look(world, ann, ben)).toEqual({ online: false, lastSeen: isKept ? wall : before })
  world.end()
})
