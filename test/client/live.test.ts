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
