/** Going through all that there are of users and groups: others have their turn meanwhile. */
import { expect, it, onTestFinished } from 'vitest'
import { createNode, memoryStore } from '../../src/index.ts'
import type { ChatId } from '../../src/protocol/ids.ts'
import { countLaps } from './laps.ts'

type Node = ReturnType<typeof createNode>

/** With a store that answers at once, as LMDB does: pages of groups of which nothing else is known. `laps`: in which each was read. */
async function start(pages: number) {
  const lap = countLaps()
  const laps: number[] = []
  const owners = async (_after: ChatId | null, limit: number) => {
    const page = laps.push(lap())
    return page > pages ? [] : Array.from({ length: limit }, (_, n) => `#group-${page}-${n}` as ChatId)
  }
  const node = createNode({ store: { ...memoryStore(), owners } })
  await node.listen({ port: 0 })
  onTestFinished(() => node.close())
  return { node, laps }
}

const ways: Readonly<Record<string, (node: Node) => Promise<unknown>>> = {
  'a list of users': (node) => node.users(),
  'an erasure': (node) => node.eraseUser('bob'),
  'an export': async (node) => {
    for await (const _ of node.exportUser('bob'));
  },
}

it.each(Object.entries(ways))('%s reads each page in another lap', async (_name, way) => {
  const { node, laps } = await start(3)
  await way(node)
  expect(laps).toHaveLength(4)
  expect(new Set(laps).size).toBe(4)
})
