/** Typing in the SDK: said now and then, and gone by itself. No sockets and no time. */
import { expect, it } from 'vitest'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import type { MessageId } from '../../src/protocol/ids.ts'
import { message, settle, World } from './world.ts'

const typing = (user: string, what: number, chat = user) => ['typing', chat, what, user] as unknown as ServerFrame

it('is said at the first key, every 3 s, at a change and when a message was sent, and not while offline', async () => {
  const world = new World()
  const client = await world.online()
  const said = () => world.link.of('typing').map(([, chat, what]) => `${chat} ${what}`)
  client.typing('ann', null)
  for (let key = 0; key < 10; key++) client.typing('ann')
  await settle()
  expect(said()).toEqual(['ann 1'])
  await world.clock.pass(3_000)
  client.typing('ann')
  client.typing('ann', 'recording')
  client.typing('ann', null)
  client.typing('ann', null)
  await settle()
  expect(said().slice(1)).toEqual(['ann 1', 'ann 2', 'ann 0'])
  client.typing('ann')
  const { id } = await client.queue('ann', 'hi')
  client.typing('ann')
  await settle()
  expect(said().slice(4), 'it would overtake the message').toEqual(['ann 1'])
  world.link.say(['sent', id as MessageId, 3, 1, 77])
  client.typing('ann')
  await settle()
  expect(said().slice(5)).toEqual(['ann 1'])
  world.link.lose()
  client.typing('ben')
  await world.clock.pass(1_000)
  await world.welcomed()
  expect(said()).toEqual([])
})

it('of others is told when it changes, and ends when they say so, when their message comes, and after 6 s', async () => {
  const world = new World()
  const client = await world.online()
  const heard: string[] = []
  client.on('typing', ({ chat, user, doing }) => heard.push(`${chat} ${user} ${doing}`))
  world.link.say(typing('ann', 1), typing('ann', 1), typing('ann', 2), typing('ann', 0), typing('ann', 0))
  expect(heard.splice(0)).toEqual(['ann ann typing', 'ann ann recording', 'ann ann null'])
  world.link.say(typing('alice', 1), message(1))
  expect(heard.splice(0)).toEqual(['alice alice typing', 'alice alice null'])
  world.link.say(typing('ann', 1), typing('ben', 1, '#team'))
  await world.clock.pass(4_000)
  world.link.say(typing('ann', 1))
  await world.clock.pass(2_500)
  expect(heard.splice(0)).toEqual(['ann ann typing', '#team ben typing', '#team ben null'])
  world.link.lose()
  await world.clock.pass(4_000)
  expect(heard).toEqual(['ann ann null'])
  await client.close()
})
