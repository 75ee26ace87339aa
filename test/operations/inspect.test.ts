/** What operators see of chats that have a lifetime. */
import { expect, it } from 'vitest'
import { createNode, memoryStore } from '../../src/index.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { message, settings, user } from '../contracts/store.ts'

const bob = user('bob')
const time = Date.now()
const timed = (seq: number, lifetime: string): Entry => ({ ...message(seq, time), lifetime }) as Entry

it('tells the lifetimes of chats, what waits for a timer, and which message has vanished or will', async () => {
  const store = memoryStore()
  await store.open()
  const entries = [timed(1, 'temporary'), timed(2, 'delivered 3600000'), timed(3, 'read 5000'), message(4, time)]
  await store.append(bob, 7, 1, entries)
  await store.startTimers(bob, { is: 'temporary', upTo: 4 }, time)
  await store.startTimers(bob, { is: 'delivered', upTo: 4 }, time)
  const change = {
    chat: user('alice'),
    lifetime: 'read 5000',
    time,
    id: entries.flatMap((e) => ('id' in e ? e.id : []))[0],
  }
  await store.saveSettings(bob, { ...settings, lifetimes: [change] } as never)
  const node = createNode({ store })
  await node.listen({ port: 0 })
  try {
    expect(await node.inspect('bob')).toMatchObject({
      lifetimes: [{ chat: 'alice', lifetime: 'read 5000' }],
      waiting: { temporary: 0, delivered: 0, read: 3 },
    })
    const steps = async (seq: number) => {
      const entry = entries[seq - 1]
      return (await node.trace(entry && 'id' in entry ? entry.id : '')).map(({ step, at }) => [step, at])
    }
    const sent = [
      ['sent', time],
      ['waiting', null],
    ]
    expect(await steps(1)).toEqual([...sent, ['gone', null]])
    expect(await steps(2)).toEqual([...sent, ['gone', time + 3_600_000]])
    expect(await steps(3)).toEqual(sent)
    expect(await steps(4)).toEqual(sent)
  } finally {
    await node.close()
  }
})
