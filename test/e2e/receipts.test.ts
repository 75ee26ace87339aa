/** What is known already makes no entry: the same read, said again and again, fills nobody's inbox. */
import { afterEach, expect, it } from 'vitest'
import { createNode, memoryStore } from '../../src/index.ts'
import { closeAll, enter, type Raw } from './raw.ts'

const store = memoryStore()
let node: ReturnType<typeof createNode>
let url: string
async function start(): Promise<void> {
  node = createNode({ store })
  url = (await node.listen({ port: 0 })).url
}
afterEach(async () => {
  closeAll()
  await node.close()
})
const tail = async (user: string) => (await store.load(user as never))?.tail ?? 0
/** Says a read, and answers when it is durable. */
async function read(reader: Raw, chat: string, seq: number): Promise<void> {
  const before = reader.of('done').length
  reader.say('read', chat, seq)
  await expect.poll(() => reader.of('done').length).toBe(before + 1)
}

it('a read that is said again, by the same device, by another and after a restart of the node', async () => {
  await start()
  await node.send({ from: 'alice', to: 'bob', body: 'hi' })
  const [phone, tablet] = [await enter(url, 'bob', 'phone'), await enter(url, 'bob', 'tablet')]
  for (const device of [phone, tablet]) {
    await expect.poll(() => device.of('message').length).toBe(1)
    device.say('ack', 1)
  }
  await read(phone, 'alice', 1)
  const [alice, bob] = [await tail('alice'), await tail('bob')]
  await read(phone, 'alice', 1)
  await read(tablet, 'alice', 1)
  await node.close()
  await start()
  const later = await enter(url, 'bob', 'phone')
  await read(later, 'alice', 1)
  await read(later, 'alice', 1)
  expect([await tail('alice'), await tail('bob')]).toEqual([alice, bob])
})

it('a read of a group that is said again', async () => {
  await start()
  const [erin, finn] = [await enter(url, 'erin'), await enter(url, 'finn')]
  erin.say('send', id(1), '#tea', 'Tea', false, null, 'create')
  erin.say('send', id(2), '#tea', 'finn', false, null, 'add')
  erin.say('send', id(3), '#tea', 'cake?', false)
  await expect.poll(() => finn.of('message').length).toBe(2)
  finn.say('ack', 2)
  await read(finn, '#tea', 2)
  await expect
    .poll(() =>
      erin
        .of('receipt')
        .filter(([, seq]) => Number(seq) > 0)
        .at(-1)
        ?.at(-1),
    )
    .toBe(3)
  const entries = await tail('erin')
  await read(finn, '#tea', 2)
  await read(finn, '#tea', 2)
  expect(await tail('erin')).toBe(entries)
})

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
