/** A world comes to rest: all links hold, the store answers, and time goes on until nothing happens any more. */
import type { Device } from './device.ts'
import type { World } from './world.ts'

/** Time goes on in steps of so many milliseconds; and a world is at rest in which nothing has happened for so many of them: what is told again is so after 15 s. */
const stepMs = 500
const calm = 40

export async function settle(world: World): Promise<void> {
  world.dies(Number.POSITIVE_INFINITY, 0)
  for (let round = 0, still = 0; still < calm && round < 600; round++) {
    let busy = await world.find()
    for (const device of world.devices) busy = (await live(world, device)) || busy
    if (round % 60 === 0) busy = (await programs(world)) || busy
    busy = (await world.flow()) || busy
    await world.tick(stepMs)
    still = busy ? 0 : still + 1
  }
}

/** All come back once more, as far as they have got: what a crash has forgotten of ticks, the next hello of a recipient repeats. */
export async function comeBack(world: World): Promise<void> {
  for (const device of world.devices) await world.disconnect(device, true)
  await settle(world)
}

/** Whether it had anything to do. */
async function live(world: World, device: Device): Promise<boolean> {
  const absent = device.wire === null
  world.connect(device)
  const any = await world.frames(device)
  device.ack()
  device.say(...device.refused.splice(0))
  for (const to of new Set(device.outbox.map(({ to }) => to))) world.send(device, to)
  return absent || any || (device.wire?.up.length ?? 0) > 0
}

async function programs(world: World): Promise<boolean> {
  const left = [...world.programs.values()].filter(({ done }) => !done)
  for (const { user, chat } of left) await world.deleteChat(user, chat)
  return left.length > 0
}
