/** A node of a cluster that is measured, in a process of its own. */
import { cassandraStore, createNode } from '../src/index.ts'
import type { CassandraOptions } from '../src/store/cassandra/connection.ts'
import { answer } from './child.ts'
import { startMeter } from './meter.ts'
import { raised } from './raised.ts'

const [name = '', keyspace = '{}'] = process.argv.slice(2)
const store = cassandraStore(JSON.parse(keyspace) as CassandraOptions)
const node = createNode({ store, cluster: { name }, limits: raised })
const meter = startMeter()

/** What has left over the links that are open. */
function linked() {
  const sum = { batches: 0, frames: 0, bytes: 0 }
  for (const { sent } of node.cluster()?.nodes ?? [])
    for (const what of ['batches', 'frames', 'bytes'] as const) sum[what] += sent[what]
  return sum
}

answer(
  {
    listen: (where: { port: number; shared: boolean }) => node.listen(where),
    shards: () => node.cluster()?.shards,
    reset: meter.reset,
    collect: meter.collect,
    sample: () => ({ ...meter.sample(), links: linked(), stats: node.stats() }),
  },
  () => node.close(),
)
