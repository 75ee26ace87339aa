import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Device } from './device.ts'
import { check } from './guarantees.ts'
import { team } from './names.ts'
import { pins } from './pins.ts'
import { begin, devices, inGroup, onReplicas, play } from './play.ts'
import { settle } from './settle.ts'
import type { World } from './world.ts'

const runs = Number(process.env['SIMULATION_RUNS'] ?? 300)
const many = fc.array(fc.nat(999_999), { minLength: 50, maxLength: 600, size: 'max' })
/**
 * Other worlds in each run, but the same ones in CI, so that what breaks there is what was changed. Where one breaks, fast-check tells
 * its seed, its path and its numbers: shrink them, and keep them in pins.ts.
 */
const seed = process.env['SIMULATION_SEED'] ?? (process.env['CI'] && '1')
const all = {
  ...(seed && { seed: Number(seed) }),
  numRuns: runs,
  endOnFailure: true,
  interruptAfterTimeLimit: 200_000,
  markInterruptAsFailure: true,
}

const pinned = (of: keyof typeof pins): [number[]][] => pins[of].map((choices) => [choices])

it('keeps the guarantees under any order, loss, repeat, crash and step of the clock', async () => {
  await fc.assert(
    fc.asyncProperty(many, (choices) => play(choices)),
    { ...all, examples: pinned('play') },
  )
}, 240_000)

it('keeps them when the store goes back to an earlier copy: what was sent and lost comes again, to those who have it, too', async () => {
  const world = await begin(devices)
  const [ann, ben] = world.devices as [Device, Device]
  const talk = async () => {
    world.write(ann, ben.user)
    world.write(ben, ann.user)
    world.write(ann, team)
    await settle(world)
  }
  await talk()
  world.disk.save()
  for (let n = 0; n < 3; n++) await talk()
  for (let n = 0; n < 2; n++) {
    await world.putBack()
    world.write(ben, ann.user)
    for (let left = 2 * n; left > 0; left--) await world.turns()
    await settle(world)
    await check(world)
  }
  // All messages of the others, and the changes of the group.
  expect(world.devices.map(({ ever }) => ever.size)).toEqual([8, 9, 5, 9])
  world.end()
})

it('keeps them on replicas of which some lack what an append that failed has left on another, also when the node dies twice', async () => {
  await fc.assert(
    fc.asyncProperty(many, (choices) => onReplicas(choices)),
    { ...all, numRuns: Math.ceil(runs / 2), examples: pinned('replicas') },
  )
}, 240_000)

it('takes in another order only what was refused for good while nobody waited for the answer any more', async () => {
  const world = await begin(devices)
  const [ann, ben] = world.devices as [Device, Device]
  await settle(world)
  world.write(ben, team, '', 'leave')
  await settle(world)
  world.write(ann, team, ben.user, 'add')
  await settle(world)
  world.write(ben, team)
  world.write(ben, team, '', 'join')
  world.send(ben, team)
  await world.frame(ben)
  // The answers are lost with the link.
  await world.disconnect(ben, true)
  await settle(world)
  await check(world)
  expect(ben.outbox.map(({ at }) => at?.seq)).toEqual([3, 6, 5])
  world.end()
})

it.each([0, 1, 8, 9, 16, 63])(
  'makes a copy while what a program deletes is gone, and no device was told of it; of what is under way the crash keeps %d',
  async (landed) => {
    const world = await begin(devices)
    const [ann, ben] = world.devices as [Device, Device]
    world.write(ann, team)
    await settle(world)
    await world.disconnect(ben, true)
    await world.deleteChat(ben.user, team)
    while (!world.disk.calls.some(({ name }) => name === 'erase')) {
      await world.turns()
      if (world.disk.calls.every(({ name }) => name !== 'erase')) await world.answers()
    }
    await world.answers()
    world.write(ann, team)
    world.send(ann, team)
    await world.frames(ann)
    await world.turns()
    const waits = world.disk.calls.map(({ args }) => args[0])
    expect(waits, 'the copy and what tells the devices wait').toContain(ben.user)
    await world.kill(landed)
    await settle(world)
    await check(world)
    expect(world.programs.size).toBe(1)
    world.end()
  },
)

it('keeps them while people leave a group, are invited, and join it again', async () => {
  let joins = 0
  const count = (world: World) => {
    const { written } = world.log(team) ?? { written: [] }
    joins += written.filter((entry) => 'change' in entry && entry.change === 'join').length
  }
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(999_999), { minLength: 200, maxLength: 600, size: 'max' }), (choices) =>
      inGroup(choices, count),
    ),
    { ...all, numRuns: Math.ceil(runs / 2), examples: pinned('group') },
  )
  expect(joins, 'some have: about one in ten worlds').toBeGreaterThan(runs / 60)
}, 240_000)
