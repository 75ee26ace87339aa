/** What a log is told of a node in its cluster. */
import { isDeepStrictEqual } from 'node:util'
import { expect, it } from 'vitest'
import type { BluetickNode, NodeEvent } from '../../src/index.ts'
import { cluster, shards } from './nodes.ts'

const shardsOf = ({ cluster }: BluetickNode) => {
  const count = cluster()?.shards.length ?? 0
  return [count, count]
}

it('how many shards came and went, and what it has become', async () => {
  const start = await cluster()
  const heard: Record<'a' | 'b', NodeEvent[]> = { a: [], b: [] }
  const has = (name: 'a' | 'b') => {
    const moves = heard[name].flatMap((event) => (event.event === 'moved' ? [event] : []))
    const sum = moves.reduce((left, { came, went }) => left + came - went, 0)
    return [sum, moves.at(-1)?.shards]
  }
  const begin = (name: 'a' | 'b') => start(name, { onEvent: (event) => void heard[name].push(event) })
  const { node: first } = await begin('a')
  await expect.poll(() => has('a')).toEqual([shards, shards])
  const { node } = await begin('b')
  // How many each gets follows from their names.
  const told = () => isDeepStrictEqual([first, node].map(shardsOf), [has('a'), has('b')])
  await expect.poll(() => shardsOf(node)[0] !== 0 && told()).toBe(true)
  await node.close()
  await expect.poll(() => has('a')).toEqual([shards, shards])
  const became = ({ event, ...more }: NodeEvent) => (event === 'became' ? [more] : [])
  expect(heard.b.flatMap(became)).toEqual(expect.arrayContaining([{ standing: 'up' }, { standing: 'leaving' }]))
})
