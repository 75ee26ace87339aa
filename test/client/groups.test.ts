/** Groups by the SDK: what it says and asks without a server, and the whole way with one. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Client, connect, type Incoming } from '../../src/client/index.ts'
import { createNode, memoryStore } from '../../src/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { settle, World, welcome } from './world.ts'

const frame = (...given: unknown[]) => given as unknown as ServerFrame

describe('without a server', () => {
  it('a change is a message to the group, and keeps its place among the others', async () => {
    const world = new World()
    const client = await world.online()
    await client.queue('#team', 'Team', { change: 'create' })
    await client.queue('#team', 'hello')
    await settle()
    expect(world.link.of('send').map((send) => send.slice(2))).toEqual([
      ['#team', 'Team', false, null, 'create'],
      ['#team', 'hello', false],
    ])
  })

  it('a new group takes its members by as few changes as fit the limit of a body', async () => {
    const world = new World()
    const client = await world.online()
    const members = Array.from({ length: 130 }, (_, n) => `user-${n}`)
    void client.createGroup('Team', members).catch(() => undefined)
    await settle()
    const changes = world.link.of('send').map(([, , , body, , , change]) => [change, body])
    expect(changes[0]).toEqual(['create', 'Team'])
    expect(changes.slice(1).map(([change, body]) => `${change} ${String(body).split('\n').length}`)).toEqual([
      'add 64',
      'add 64',
      'add 2',
    ])
    expect(changes.slice(1).flatMap(([, body]) => String(body).split('\n'))).toEqual(members)
    await client.close()
  })

  it('messages of a group are of its chat, and are read there', async () => {
    const world = new World()
    const client = await world.online()
    world.link.say(frame('message', 1, 'x', 'ann', 0, 'hi', null, { group: '#team', epoch: 3, at: 9 }))
    world.link.say(frame('message', 2, 'y', 'bob', 0, 'cat', null, { group: '#team', epoch: 3, at: 10, change: 'add' }))
    for await (const [said, added] of client.batches()) {
      expect(said).toMatchObject({ chat: '#team', from: 'ann', body: 'hi', change: null })
      expect(added).toMatchObject({ chat: '#team', from: 'bob', body: 'cat', change: 'add' })
      said?.read()
      break
    }
    await world.clock.pass(100)
    expect(world.link.of('read')).toEqual([['read', '#team', 1]])
  })

  it('questions wait for a connection, are asked again after a reconnect and a refusal for now, and answered once', async () => {
    const world = new World()
    const client = world.connect()
    const answers = [client.group('#team'), client.group('#team')]
    const ticks = client.ticks({ to: '#team', at: { epoch: 3, seq: 4 } })
    await world.welcomed()
    expect(world.link.said.slice(1)).toEqual([
      ['members', '#team'],
      ['ticks', '#team', 4],
    ])
    world.link.lose()
    await world.clock.pass(500)
    await world.welcomed()
    world.link.say(frame('ticked', '#team', 4, ['ann'], []), frame('error', 'busy', 'members', '#team', 300, ''))
    expect(await ticks).toEqual({ delivered: ['ann'], read: [] })
    await world.clock.pass(400)
    expect(world.link.of('members')).toHaveLength(2)
    expect(world.link.of('ticks')).toHaveLength(1)
    world.link.say(frame('group', '#team', 'Team', 5, ['ann'], ['ann', 'bob'], 'default'))
    const members = { admins: ['ann'], members: ['ann', 'bob'] }
    const group = { id: '#team', name: 'Team', history: 5, ...members, lifetime: 'default' }
    expect(await Promise.all(answers)).toEqual([group, group])
    const refused = client.group('#none')
    const ended = client.group('#other')
    await settle()
    world.link.say(frame('error', 'unknown_group', 'members', '#none', 0, ''))
    await expect(refused).rejects.toMatchObject({ name: 'RefusedError', code: 'unknown_group' })
    world.link.say(welcome())
    await Promise.all([client.close(), expect(ended).rejects.toMatchObject({ name: 'ClosedError' })])
  })
})

describe('with one', () => {
  const node = createNode({ store: memoryStore() })
  const clients: Client[] = []
  afterEach(async () => {
    for (const client of clients) await client.close()
    await node.close()
  })

  it('makes a group, talks in it, tells who has read what, and lets nobody else in', async () => {
    const { url } = await node.listen({ port: 0 })
    const seen = new Map<string, string[]>()
    const enter = (user: string) => {
      const client = connect({ url, token: user })
      clients.push(client)
      seen.set(user, [])
      const take = ({ from, change, body, read }: Incoming) => {
        seen.get(user)?.push(`${from} ${change ?? 'says'} ${body}`)
        if (user === 'ben') read()
      }
      void (async () => {
        for await (const message of client.messages()) take(message)
      })()
      return client
    }
    const [ann, ben, cat] = [enter('ann'), enter('ben'), enter('cat')]
    await expect(ann.createGroup('Nothing', ['ben', '#cat'])).rejects.toMatchObject({ code: 'bad_id' })
    expect(await ann.outbox()).toEqual([])
    const team = await ann.createGroup('Team', ['ben', 'cat'])
    const message = await ann.send(team, 'hello')
    await ann.reached(message.id, 'delivered')
    await expect.poll(() => ann.ticks(message)).toEqual({ delivered: ['ben', 'cat'], read: ['ben'] })
    expect(await ben.group(team)).toEqual({
      id: team,
      name: 'Team',
      lifetime: 'default',
      history: 0,
      admins: ['ann'],
      members: ['ann', 'ben', 'cat'],
    })
    expect(seen.get('cat')).toEqual(['ann add ben\ncat', 'ann says hello'])
    await expect(ben.send(team, 'Mine', { change: 'rename' })).rejects.toMatchObject({ code: 'not_an_admin' })
    await ann.send(team, 'cat', { change: 'remove' })
    await expect(cat.send(team, 'still here?')).rejects.toMatchObject({ code: 'not_a_member' })
    await expect(cat.group(team)).rejects.toMatchObject({ code: 'not_a_member' })
    await expect.poll(() => seen.get('ben')).toEqual(['ann add ben\ncat', 'ann says hello', 'ann remove cat'])
  })
})
