/** What messages carry. */
import { expect } from 'vitest'
import type { World } from './world.ts'

/** What a message names that can be read is there, with whoever has the message. A copy of the store that was put back may name more. */
export async function carried(world: World): Promise<void> {
  if (world.putBacks > 0) return
  const { disk, time } = world
  for (const user of disk.logs.keys())
    for (const entry of await world.entries(user, Math.max(time.latest, time.wall)))
      if ('body' in entry && entry.media)
        expect(disk.contents.has(entry.media.media), `${entry.seq} of ${user} has what it carries`).toBe(true)
}
