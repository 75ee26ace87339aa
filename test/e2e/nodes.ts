/** A node in memory for each test of a file. */
import { createNode, memoryStore, type NodeOptions } from '../../src/index.ts'
import { closeAll } from './raw.ts'

/** The node of the test that runs, and where it listens. */
export let node: ReturnType<typeof createNode>
export let url: string

export async function start(options: Partial<NodeOptions> = {}): Promise<void> {
  node = createNode({ store: memoryStore(), ...options })
  url = (await node.listen({ port: 0 })).url
}

/** Ends it, and the clients of frames. */
export async function end(): Promise<void> {
  closeAll()
  await node.close()
}
