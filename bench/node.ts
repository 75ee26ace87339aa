/** The node that is measured, in a process of its own: the embedded store, fsync on, limits raised for few addresses. */
import { rmSync } from 'node:fs'
import { createNode, lmdbStore } from '../src/index.ts'
import { answer } from './child.ts'
import { countWrites } from './count.ts'
import { startMeter } from './meter.ts'

const [folder = ''] = process.argv.slice(2)
const { store, counts, durable, reset } = countWrites(lmdbStore(folder))
const node = createNode({
  store,
  limits: {
    connectionsPerAddress: 100_000,
    framesPerSecond: 1_000_000,
    sendsPerSecond: 1_000_000,
    sendsPerSecondToOne: 1_000_000,
    inboxEntries: 10_000_000,
  },
})
const meter = startMeter()

answer(
  {
    listen: () => node.listen({ port: 0 }),
    durable,
    reset: (options: { garbage?: boolean }) => {
      meter.reset(options)
      reset()
    },
    collect: meter.collect,
    sample: () => ({ ...meter.sample(), ...counts(), stats: node.stats() }),
  },
  async () => {
    await node.close()
    // Here too: who started it may have been killed.
    rmSync(folder, { recursive: true, force: true })
  },
)
