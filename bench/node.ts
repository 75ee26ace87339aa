/** The node that is measured, in a process of its own: the embedded store, fsync on, limits raised for few addresses. */
import { createNode, lmdbStore } from '../src/index.ts'
import type { Store } from '../src/store/contract.ts'
import { answer } from './child.ts'
import { startMeter } from './meter.ts'

const [folder = ''] = process.argv.slice(2)
const writes = { appends: 0, entries: 0, saves: 0 }
const node = createNode({
  store: counted(lmdbStore(folder)),
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
    reset: meter.reset,
    sample: (options: { collect?: boolean }) => ({ ...meter.sample(options), writes, stats: node.stats() }),
  },
  () => node.close(),
)

/** Counts what the node asks its store to write. */
function counted(store: Store): Store {
  const counting: Pick<Store, 'append' | 'saveCursors' | 'saveLastSeen'> = {
    append(user, epoch, term, entries) {
      writes.appends += 1
      writes.entries += entries.length
      return store.append(user, epoch, term, entries)
    },
    saveCursors(user, epoch, cursors, settled) {
      writes.saves += 1
      return store.saveCursors(user, epoch, cursors, settled)
    },
    saveLastSeen(user, at) {
      writes.saves += 1
      return store.saveLastSeen(user, at)
    },
  }
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(counting, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
