/** A user's chats as they become, where what comes and what the server answers come in one breath. */
import { expect, it } from 'vitest'
import { liveChats } from '../../src/client/chats/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import type { ChatId } from '../../src/protocol/ids.ts'
import { message, settle, World } from './world.ts'

const settings = (tags = ''): ServerFrame => ['settings', 'everyone', 'everyone', true, '', '', '', 'everyone', tags]
const chat = (seq: number, unread: number): ServerFrame => ['chat', 'alice' as ChatId, seq, 0, unread, 0, 'default', '']
const done = (ref: string, seq: number): ServerFrame => ['done', 'ask', ref, seq]

it('has what came behind the answer, before that was taken', async () => {
  const world = new World()
  const client = await world.online()
  const opening = liveChats(client)
  await settle()
  world.link.say(settings(), done('settings', 0))
  await settle()
  // The server has the first two, and pushes the second before its answer.
  world.link.say(message(1), message(2), chat(2, 2), done('chats', 1), message(3), settings('alice\tpinned=7'))
  const chats = await opening
  expect(chats.all).toMatchObject([{ id: 'alice', seq: 3, unread: 3, tags: { pinned: 7 } }])
  world.link.say(message(4))
  await settle()
  expect(chats.all).toMatchObject([{ id: 'alice', seq: 4, unread: 4 }])
  await client.close()
})

/** How many items of arrays are looked at one by one while `task` runs. */
async function looked(task: () => Promise<void>): Promise<number> {
  let count = 0
  const iterator = Object.getPrototypeOf([][Symbol.iterator]()) as { next: (this: unknown) => unknown }
  const { next } = iterator
  const { filter } = Array.prototype
  iterator.next = function () {
    count += 1
    return next.call(this)
  }
  Array.prototype.filter = function (this: unknown[], ...args: [never]) {
    count += this.length
    return filter.apply(this, args)
  } as typeof filter
  try {
    await task()
    return count
  } finally {
    iterator.next = next
    Array.prototype.filter = filter
  }
}

it('takes no more work for a message, or a read, where thousands are unread', async () => {
  const world = new World()
  const client = await world.online()
  const opening = liveChats(client)
  await settle()
  world.link.say(settings(), done('settings', 0), done('chats', 1))
  const chats = await opening
  const come = (from: number) =>
    looked(async () => {
      for (let seq = from; seq < from + 500; seq++) world.link.say(message(seq))
      await settle()
    })
  const first = await come(1)
  for (let from = 501; from < 4_001; from += 500) await come(from)
  const last = await come(4_001)
  expect(chats.all).toMatchObject([{ id: 'alice', seq: 4_500, unread: 4_500 }])
  expect(last).toBeLessThan(first * 1.5)
  let tail = 4_500
  const read = (from: number) =>
    looked(async () => {
      for (let upTo = from; upTo < from + 100; upTo++) world.link.say(['seen', ++tail, 'alice' as ChatId, upTo])
      await settle()
    })
  const many = await read(1)
  expect(chats.all).toMatchObject([{ unread: 4_400 }])
  await read(4_301)
  expect(chats.all).toMatchObject([{ unread: 100 }])
  expect(many).toBeLessThan((await read(4_401)) * 1.5)
  expect(chats.all).toMatchObject([{ unread: 0 }])
  await client.close()
})
