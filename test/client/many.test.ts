/** Ten thousand messages that wait cost no more per message than a thousand. */
import { expect, it } from 'vitest'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { Disk, settle, World } from './world.ts'

/** Milliseconds of CPU to queue, send and tick so many messages, one answer at a time. */
async function cost(count: number, recipients: number): Promise<number> {
  const world = new World()
  const client = world.connect({ storage: Object.assign(new Disk(), { write: async () => {} }) })
  const begun = process.cpuUsage()
  const sending = Array.from({ length: count }, (_, n) => client.send(`r${n % recipients}`, String(n)))
  await world.welcomed({ limits: { framesPerSecond: 10_000_000 } })
  const positions = new Map<string, number>()
  for (let done = 0; done < count; done++) {
    const [, id, to] = world.link.said[done + 1] as unknown as [string, string, string]
    const position = (positions.get(to) ?? 0) + 1
    positions.set(to, position)
    world.link.say(['sent', id, 1, position, 0] as unknown as ServerFrame)
    world.link.say(['receipt', 0, to, 1, position, position - 5] as unknown as ServerFrame)
    // The client flushes in a microtask: the next sends are there after it.
    await null
    if (done % 100 === 0) await settle()
  }
  await Promise.all(sending)
  const { user, system } = process.cpuUsage(begun)
  expect((await client.outbox()).length).toBeLessThan(count / 2)
  await client.close()
  return (user + system) / 1_000
}

it.each([1, 50])('with %i recipients', async (recipients) => {
  await cost(1_000, recipients)
  const thousand = await cost(1_000, recipients)
  const tenThousand = await cost(10_000, recipients)
  console.log(`${recipients} recipients: ${thousand.toFixed(0)} ms for 1,000, ${tenThousand.toFixed(0)} ms for 10,000`)
  expect(tenThousand).toBeLessThan(thousand * 40)
})
