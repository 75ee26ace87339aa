/**
 * The node that is measured, in a process of its own: the embedded store, fsync on, limits raised for few addresses. It runs what was
 * built in another folder when that is named: what measures is then the same.
 */
import { rmSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { answer } from './child.ts'
import { classes } from './classes.ts'
import { countWrites } from './count.ts'
import { startMeter } from './meter.ts'
import { builtIn } from './options.ts'
import { raised } from './raised.ts'

const [folder = '', tree, service, e2ee = 'off'] = process.argv.slice(2)
const { createNode, lmdbStore }: typeof import('../src/index.ts') = tree
  ? await import(pathToFileURL(builtIn(tree)).href)
  : await import('../src/index.ts')
const store = lmdbStore(folder)
const { counts, durable, reset } = countWrites(store)
const node = createNode({
  store,
  ...(service && { webhooks: { url: service, secrets: [`whsec_${Buffer.alloc(32).toString('base64')}`] } }),
  limits: raised,
  ...(e2ee === 'allowed' && { e2ee }),
})
const meter = startMeter()

answer(
  {
    listen: () => node.listen({ port: 0 }),
    durable,
    reset: (options: { closely?: boolean }) => {
      meter.reset(options)
      reset()
    },
    collect: meter.collect,
    classes,
    end: () => node.close(),
    sample: () => ({ ...meter.sample(), ...counts(), stats: node.stats() }),
  },
  async () => {
    await node.close()
    // Here too: who started it may have been killed.
    rmSync(folder, { recursive: true, force: true })
  },
)
