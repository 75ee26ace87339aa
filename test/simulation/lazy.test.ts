/** Ticks that are told early, and are entries only later. */
import { expect, it } from 'vitest'
import type { Device } from './device.ts'
import { check } from './guarantees.ts'
import { begin } from './play.ts'
import { comeBack, settle } from './settle.ts'

const people = [
  ['ann', 'phone'],
  ['ben', 'phone'],
] as const

/** A world in which Ben's phone has acknowledged what Ann wrote, and Ann's phone was told early. */
async function told() {
  const world = await begin(people)
  const [ann, ben] = world.devices as [Device, Device]
  await settle(world)
  const delivered = () => Math.max(0, ...(ann.marks.get(ben.user)?.map((mark) => mark.delivered) ?? []))
  /** What is on its way arrives; the clock stands still. */
  const flow = async () => {
    for (let left = 8; left > 0; left--) {
      await world.flow()
      for (const device of world.devices) {
        await world.frames(device)
        device.ack()
      }
    }
  }
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      await world.tick(50)
      await world.flow()
    }
    await flow()
  }
  const receipts = () => world.log(ann.user)?.written.filter(({ is }) => is === 'receipt').length ?? 0
  const before = { told: delivered(), entries: receipts() }
  world.write(ann, ben.user)
  world.send(ann, ben.user)
  await flow()
  expect(delivered(), 'the tick is there').toBeGreaterThan(before.told)
  expect(receipts(), 'and no entry').toBe(before.entries)
  const news = () => receipts() - before.entries
  return { world, ann, ben, flow, pass, news }
}

it('are entries after 5 s where nothing else is written, and make no other', async () => {
  const { world, pass, news } = await told()
  await pass(3_900)
  expect(news()).toBe(0)
  await pass(1_300)
  expect(news()).toBe(1)
  await settle(world)
  await check(world)
  expect(news()).toBe(1)
  world.end()
})

it('are entries together with what somebody else gets, after 4 s', async () => {
  const { world, ben, flow, pass, news } = await told()
  await pass(4_100)
  expect(news()).toBe(0)
  world.write(ben, ben.user)
  world.send(ben, ben.user)
  await flow()
  expect(news()).toBe(1)
  world.end()
})

it('are entries together with what their own user gets, after a second', async () => {
  const { world, ann, ben, flow, pass, news } = await told()
  await pass(1_000)
  world.write(ben, ann.user)
  world.send(ben, ann.user)
  await flow()
  expect(news()).toBe(1)
  world.end()
})

it('are told again to who was not there, when the node died before they were entries and the recipient is back', async () => {
  const { world, ann, ben, news } = await told()
  await world.disconnect(ann, false)
  await world.kill(0)
  expect(news(), 'forgotten').toBe(0)
  world.connect(ben)
  await settle(world)
  expect(news()).toBe(1)
  await comeBack(world)
  await check(world)
  world.end()
})
