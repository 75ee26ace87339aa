/** A node that is closed in the midst of things ends them, and leaves its store alone after that. */
import { expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { createNode, memoryStore } from '../../src/index.ts'

it('finishes what its program is asked about before it closes the store', async () => {
  const faults: unknown[] = []
  let asked = () => {}
  const questions = new Promise<void>((resolve) => {
    asked = resolve
  })
  let say = (_allowed: boolean) => {}
  const answer = new Promise<boolean>((resolve) => {
    say = resolve
  })
  const store = memoryStore()
  const allow = () => {
    asked()
    return answer
  }
  const node = createNode({ store, allow, onFault: (fault) => faults.push(fault) })
  const { url } = await node.listen({ port: 0 })
  await using alice = connect({ url, token: 'alice' })
  await alice.queue('bob', 'hi')
  await questions
  const closed = node.close()
  await expect.poll(() => alice.connection.is).not.toBe('online')
  setTimeout(() => say(true), 500)
  await Promise.all([closed, answer])
  await new Promise((resolve) => setImmediate(resolve))
  expect(faults).toEqual([])
  // It may be read after that.
  await using again = createNode({ store })
  await again.listen({ port: 0 })
  expect(await again.inspect('bob')).toMatchObject({ tail: 1 })
})
