/** What a client does with what it was told before the node started again, maybe on earlier data. */
import { expect, it } from 'vitest'
import type { Client } from '../../src/client/client.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { Disk, settle, World } from './world.ts'

const say = (world: World, ...frame: unknown[]) => world.link.say(frame as unknown as ServerFrame)
const said = (world: World, kind: string) => world.link.said.filter((frame) => frame[0] === kind)
const states = async (client: Client) => (await client.outbox()).map(({ body, state, at }) => [body, state, at])

/** Three messages to alice, of which so many are delivered, in life 1; then the node is in life 2. */
async function restarted(delivered = 0) {
  const world = new World()
  const disk = new Disk()
  const client = await world.online({ storage: disk }, { life: 1 })
  const sent = ['one', 'two', 'three'].map((body) => client.send('alice', body))
  await settle()
  for (const [index, frame] of said(world, 'send').entries()) say(world, 'sent', frame[1], 9, index + 1, 0)
  await Promise.all(sent)
  if (delivered > 0) say(world, 'receipt', 0, 'alice', 9, delivered, 0)
  await again(world, 2)
  return { world, disk, client }
}
async function again(world: World, life: number): Promise<void> {
  world.link.lose()
  await world.clock.pass(1_000)
  await world.welcomed({ life })
}
const at = (seq: number, epoch = 9) => ({ epoch, seq })

it('asks about what it was told in an earlier life, once, and not about what it was told in this one', async () => {
  const { world } = await restarted()
  expect(said(world, 'stand')).toEqual([['stand', 'alice', 9, 3, 1]])
  say(world, 'stands', 'alice', 9, 1, 3, 9)
  await again(world, 2)
  expect(said(world, 'stand')).toEqual([])
  await again(world, 3)
  expect(said(world, 'stand')).toEqual([['stand', 'alice', 9, 3, 2]])
})

it('raises no tick before the answer, and then those that hold', async () => {
  const { world, client } = await restarted()
  say(world, 'receipt', 0, 'alice', 9, 2, 0)
  await settle()
  expect((await states(client)).map(([, state]) => state)).toEqual(['sent', 'sent', 'sent'])
  say(world, 'stands', 'alice', 9, 1, 3, 9)
  await settle()
  expect((await states(client)).map(([, state]) => state)).toEqual(['delivered', 'delivered', 'sent'])
})

it('sends again what was lost, before what was written since, under the same ids and in the same order', async () => {
  const { world, client, disk } = await restarted()
  void client.send('alice', 'four')
  await settle()
  expect(said(world, 'send')).toEqual([])
  say(world, 'stands', 'alice', 9, 1, 1, 9)
  await settle()
  expect(said(world, 'send').map(([, , , body, repeated]) => [body, repeated])).toEqual([
    ['two', true],
    ['three', true],
    ['four', false],
  ])
  expect(await states(client)).toEqual([
    ['one', 'sent', at(1)],
    ['two', 'sent', null],
    ['three', 'sent', null],
    ['four', 'queued', null],
  ])
  // Also by a next run.
  const next = new World()
  const later = await next.online({ storage: Object.assign(new Disk(), { kept: disk.kept }) }, { life: 2 })
  say(next, 'stands', 'alice', 9, 1, 1, 9)
  await settle()
  expect(said(next, 'send').map(([, , , body]) => body)).toEqual(['two', 'three', 'four'])
  for (const [index, frame] of said(next, 'send').entries()) say(next, 'sent', frame[1], 9, index + 5, 0)
  await settle()
  expect((await states(later)).map(([, , place]) => place)).toEqual([at(1), at(5), at(6), at(7)])
})

it('sends again also what was delivered, which stays so, and has no tick of what stands in its place', async () => {
  const { world, client } = await restarted(3)
  say(world, 'stands', 'alice', 9, 1, 1, 9)
  await settle()
  expect(said(world, 'send').map(([, , , body]) => body)).toEqual(['two', 'three'])
  say(world, 'receipt', 0, 'alice', 9, 3, 3)
  await settle()
  expect(await states(client)).toEqual([
    ['two', 'delivered', null],
    ['three', 'delivered', null],
  ])
  for (const [index, frame] of said(world, 'send').entries()) say(world, 'sent', frame[1], 9, index + 4, 0)
  await settle()
  expect((await states(client)).map(([, state]) => state)).toEqual(['delivered', 'delivered'])
  say(world, 'receipt', 0, 'alice', 9, 5, 4)
  await settle()
  expect(await states(client)).toEqual([['three', 'delivered', at(5)]])
})

it('forgets marks of what was lost: a message in such a place has no tick before it is earned', async () => {
  const { world, client } = await restarted(3)
  void client.send('alice', 'four')
  say(world, 'stands', 'alice', 9, 1, 1, 9)
  await settle()
  for (const [index, frame] of said(world, 'send').entries()) say(world, 'sent', frame[1], 9, 3 - index + 1, 0)
  await settle()
  expect((await states(client)).at(-1)).toEqual(['four', 'sent', at(2)])
  say(world, 'receipt', 0, 'alice', 9, 2, 0)
  await settle()
  expect((await states(client)).at(-1)).toEqual(['four', 'delivered', at(2)])
})

it('follows a log that has another name, also while the node runs on', async () => {
  const { world, client } = await restarted()
  say(world, 'stands', 'alice', 9, 1, 3, 9)
  say(world, 'receipt', 0, 'alice', 10, 2, 1)
  await settle()
  expect(said(world, 'stand').at(-1)).toEqual(['stand', 'alice', 9, 3, 2])
  say(world, 'stands', 'alice', 9, 2, 3, 10)
  await settle()
  expect(await states(client)).toEqual([
    ['two', 'delivered', at(2, 10)],
    ['three', 'sent', at(3, 10)],
  ])
})

it('asks again after a refusal for now, and takes for sure what nobody will say', async () => {
  const { world, client } = await restarted()
  say(world, 'error', 'busy', 'stand', 'alice', 500, '')
  await world.clock.pass(1_000)
  expect(said(world, 'stand')).toHaveLength(2)
  void client.send('alice', 'four')
  say(world, 'receipt', 0, 'alice', 9, 1, 0)
  say(world, 'error', 'unknown_kind', 'stand', 'alice', 0, '')
  await settle()
  expect((await states(client)).map(([, state]) => state)).toEqual(['delivered', 'sent', 'sent', 'queued'])
  expect(said(world, 'send').map(([, , , body]) => body)).toEqual(['four'])
})

it('says what it has taken in and not stored, which may be lost although its cursor holds', async () => {
  const world = new World()
  await world.online({ storage: new Disk() }, { life: 1, tail: 3 })
  for (const seq of [1, 2, 3])
    world.link.say(['message', seq, `id-${seq}`, 'alice', 0, `m${seq}`] as unknown as ServerFrame)
  await settle()
  await again(world, 1)
  expect(said(world, 'hello')).toEqual([['hello', 'bob', null, 7, 0, false, 1, 3]])
})
