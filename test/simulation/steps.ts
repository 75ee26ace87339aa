/** What one number does to a world: its last digits choose the step, the rest whom it meets. */
import type { UserId } from '../../src/protocol/ids.ts'
import type { Device } from './device.ts'
import { team } from './names.ts'
import type { World } from './world.ts'

const ids = ['ann', 'ben', 'cal', team] as UserId[]
const lifetimes = ['default', 'permanent', 'temporary', 'delivered 1000', 'read 2000']
/** Milliseconds by which the clock of the node is off. */
const offs = [0, -10_000, -3_600_000, 10_000, 3_600_000, 31 * 86_400_000]

export async function step(world: World, choice: number): Promise<void> {
  const rest = Math.floor(choice / 100)
  const id = ids[rest % ids.length] as UserId
  const device = world.devices[Math.floor(rest / ids.length) % world.devices.length] as Device
  const kind = choice % 100
  if (kind < 9) return world.write(device, id)
  if (kind < 10) return world.write(device, id, lifetimes[Math.floor(rest / 16) % lifetimes.length], 'lifetime')
  if (kind < 22) return world.send(device, id)
  if (kind < 30) return world.turn(rest)
  if (kind < 42) return world.turns()
  if (kind < 47) return world.frame(device)
  if (kind < 55) return void (await world.frames(device))
  if (kind < 62) return device.ack()
  if (kind < 64) return device.read(id)
  if (kind < 65) return rest % 3 === 0 ? world.deleteChat(device.user, id) : device.delete(id, rest % 3 === 1)
  if (kind < 67) return world.connect(device)
  if (kind < 68) return world.disconnect(device, rest % 2 === 0)
  if (kind < 76) return call(world, rest)
  if (kind < 85) return world.answers()
  if (kind < 88) return world.tick(rest % 3_000)
  if (kind < 89) return rest % 2 === 0 ? device.watch(id) : void (await world.find())
  if (kind < 90) return rest % 3 > 0 ? world.disk.save() : world.putBack()
  if (kind < 91) return world.time.set(offs[rest % offs.length] as number)
  if (kind < 92) return world.crash(id, 1 + (rest % 2))
  if (kind < 93) return rest % 3 === 0 ? world.kill(Math.floor(rest / 3)) : world.dies(rest % 13, Math.floor(rest / 13))
  for (const each of world.devices) world.connect(each)
  if (kind < 96) return
  for (const each of world.devices) await world.frames(each)
  await world.flow()
}

/** Lets one store call end, well or badly. */
const call = (world: World, rest: number): Promise<void> =>
  world.call(Math.floor(rest / 10), rest % 5 === 0 ? 'fails' : rest % 5 === 1 ? 'unknown' : 'ok')

/** Somebody leaves the group, accepts an invitation, adds somebody, who gets an invitation after having left, or removes somebody. */
export function membership(world: World, rest: number): void {
  const device = world.devices[rest % 3] as Device
  const change = (['leave', 'join', 'add', 'remove'] as const)[Math.floor(rest / 3) % 4]
  const user = ids[Math.floor(rest / 12) % 3]
  world.write(device, team, change === 'leave' || change === 'join' ? '' : user, change)
}
