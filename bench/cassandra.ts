/** A Cassandra for a run, in a process of its own, so that it ends with the bench however that ends. */
import { pathToFileURL } from 'node:url'
import type { Running } from '../test/cassandra/server.mjs'
import { answer } from './child.ts'

const [server = ''] = process.argv.slice(2)
let running: Promise<Running> | undefined

answer(
  {
    start: async () => {
      const { oneNode }: typeof import('../test/cassandra/server.mjs') = await import(pathToFileURL(server).href)
      running = oneNode({ heapMb: 512, quick: false, patient: true })
      const { contactPoints, localDc } = await running
      return { contactPoints, localDc }
    },
  },
  async () => (await running?.catch(() => undefined))?.stop(),
)
