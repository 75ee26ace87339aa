/** How long messages stay, what came before, and what a user deletes, by the SDK. No sockets and no time. */
import { describe, expect, it } from 'vitest'
import { type Client, UsageError } from '../../src/client/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { Disk, message, settle, World } from './world.ts'

const frame = (...given: unknown[]) => given as unknown as ServerFrame

/** Reads for good, and notes in which order what comes. */
function follow(client: Client): string[] {
  const heard: string[] = []
  client.on('gone', ({ chat, from, upTo }) => void heard.push(`gone ${chat} ${from}-${upTo}`))
  void (async () => {
    for await (const { body } of client.messages()) heard.push(String(body))
  })()
  return heard
}
/** Sends, and lets the server take it. */
async function sent(world: World, client: Client, to: string, body: string, lifetime?: string): Promise<string> {
  const { id } = await client.queue(to, body)
  await settle()
  world.link.say(frame('sent', id, 3, world.link.of('send').length, 0, ...(lifetime ? [lifetime] : [])))
  return id
}
const waiting = async (client: Client) => (await client.outbox()).map(({ body }) => body)

describe('a lifetime', () => {
  it('is changed by a message, and known from the settings, of a group from the group', async () => {
    const world = new World()
    const client = await world.online()
    const changed = client.setLifetime('alice', 'read 30000')
    await settle()
    const [send] = world.link.of('send')
    expect(send?.slice(2)).toEqual(['alice', 'read 30000', false, null, 'lifetime'])
    world.link.say(frame('sent', send?.[1], 3, 1, 0))
    expect(await changed).toMatchObject({ state: 'sent', change: 'lifetime' })
    const [known, other, ofGroup] = [client.lifetime('alice'), client.lifetime('ben'), client.lifetime('#team')]
    await settle()
    world.link.say(['settings', 'everyone', 'everyone', true, '', '', 'alice\tread 30000'])
    world.link.say(frame('done', 'ask', 'settings', 1), frame('group', '#team', 'Team', 0, [], [], 'permanent'))
    expect(await Promise.all([known, other, ofGroup])).toEqual(['read 30000', 'default', 'permanent'])
  })

  it('comes with messages and copies, also the change of another side and of an own device', async () => {
    const world = new World()
    const client = await world.online()
    const own: unknown[] = []
    client.on('message', ({ change, body, copy, lifetime }) => own.push([change, body, copy?.seq, lifetime]))
    world.link.say(frame('message', 1, 'a', 'ann', 0, 'permanent', null, null, 'permanent', 'lifetime'))
    world.link.say(frame('message', 2, 'b', 'ann', 0, 'kept', null, null, 'permanent'), message(3))
    world.link.say(frame('copy', 4, 'c', 'ann', 0, 'temporary', 3, 1, null, 'temporary', 'lifetime'))
    world.link.say(frame('copy', 5, 'd', 'ann', 0, 'short', 3, 2, null, 'temporary'))
    for await (const batch of client.batches()) {
      expect(batch.map(({ change, lifetime }) => [change, lifetime])).toEqual([
        ['lifetime', 'permanent'],
        [null, 'permanent'],
        [null, 'default'],
      ])
      break
    }
    expect(own).toEqual([
      ['lifetime', 'temporary', 4, 'temporary'],
      [null, 'short', 5, 'temporary'],
    ])
  })

  it('ends what the outbox and the storage hold of an own message: its timer runs from when it is sent', async () => {
    const world = new World()
    const disk = new Disk()
    let client = await world.online({ storage: disk })
    const heard: string[] = []
    client.on('message', ({ body, state }) => heard.push(`${body} ${state}`))
    await sent(world, client, 'alice', 'first', 'read 10000')
    await world.clock.pass(5_000)
    await sent(world, client, 'alice', 'second', 'delivered 10000')
    await sent(world, client, 'alice', 'stays')
    expect((await client.outbox()).map(({ expires }) => expires && expires - world.clock.now())).toEqual([
      5_000,
      10_000,
      null,
    ])
    await world.clock.pass(5_000)
    expect(await waiting(client)).toEqual(['second', 'stays'])
    world.link.say(frame('receipt', 0, 'alice', 3, 3, 0))
    expect(heard.slice(-2)).toEqual(['second delivered', 'stays delivered'])
    await client.close()
    await world.clock.pass(5_000)
    client = world.connect({ storage: disk })
    expect(await waiting(client)).toEqual(['stays'])
    await settle()
    expect([...disk.kept.keys()].filter((key) => key.startsWith('out:'))).toHaveLength(1)
    await client.close()
  })
})

describe('what is gone', () => {
  it('counts as got when it is in the way, and is acknowledged', async () => {
    const world = new World()
    const client = await world.online()
    const heard = follow(client)
    world.link.say(frame('gone', 1, 3), message(4), frame('gone', 5, 5))
    await world.clock.pass(100)
    expect(heard).toEqual(['m4'])
    expect(world.link.of('ack').at(-1)).toEqual(['ack', 5])
  })

  it('is told in its place among the messages: what was not given out never is', async () => {
    const world = new World()
    const client = await world.online()
    const loop = client.messages()
    const gone: unknown[] = []
    let done = () => {}
    client.on('gone', (event) => {
      gone.push(event)
      return new Promise<void>((resolve) => {
        done = resolve
      })
    })
    world.link.say(message(1), message(2), message(3, 'other', 'ann'), frame('deleted', 4, 'alice', 1, 3), message(5))
    expect((await loop.next()).value).toMatchObject({ body: 'other' })
    const next = loop.next()
    await world.clock.pass(100)
    expect(gone).toEqual([{ chat: 'alice', epoch: 7, from: 1, upTo: 3 }])
    expect(world.link.of('ack').at(-1)).toEqual(['ack', 3])
    done()
    expect((await next).value).toMatchObject({ body: 'm5' })
    await world.clock.pass(100)
    expect(world.link.of('ack').at(-1)).toEqual(['ack', 4])
    expect(gone).toHaveLength(1)
  })

  it('is dropped when it vanished between two connections', async () => {
    const world = new World()
    const client = await world.online()
    const loop = client.messages()
    world.link.say(message(1), message(2), message(3))
    await loop.next()
    const events: unknown[] = []
    client.on('gone', ({ from, upTo }) => void events.push([from, upTo]))
    world.link.lose()
    await world.clock.pass(1_000)
    await world.welcomed()
    world.link.say(frame('gone', 1, 2), message(3), message(4))
    expect((await loop.next()).value).toMatchObject({ body: 'm3' })
    expect((await loop.next()).value).toMatchObject({ body: 'm4' })
    expect(events).toEqual([[1, 2]])
  })
})

describe('a history', () => {
  it('comes in pages, oldest first, and is asked for again where the link broke', async () => {
    const world = new World()
    const client = await world.online()
    const asked = client.history('ann', { limit: 2 })
    await settle()
    const [question] = world.link.of('history')
    const ref = question?.[1]
    expect(question?.slice(2)).toEqual(['ann', 0, 0, 2])
    world.link.say(frame('past', ref, 9, 'x', 'ann', 90, 'lost', null, 0, 0, null, null))
    world.link.lose()
    await world.clock.pass(1_000)
    await world.welcomed()
    expect(world.link.of('history')).toEqual([question])
    world.link.say(frame('past', ref, 9, 'x', 'ann', 90, 'new', null, 0, 0, null, null))
    world.link.say(
      frame('past', ref, 7, 'y', 'bob', 70, 'old', null, 3, 4, null, null),
      frame('done', 'history', ref, 2),
    )
    const page = await asked
    expect(page).toMatchObject([
      { chat: 'ann', from: 'bob', body: 'old', at: { epoch: 3, seq: 4 }, epoch: 7, seq: 7 },
      { chat: 'ann', from: 'ann', body: 'new', at: null, time: 90, seq: 9 },
    ])
    const before = client.history('ann', { before: page[0] })
    await settle()
    const [, next] = world.link.of('history')
    expect(next?.slice(2)).toEqual(['ann', 70, 7, 100])
    world.link.say(frame('done', 'history', next?.[1], 0))
    expect(await before).toEqual([])
  })
})

describe('deletion', () => {
  it('of a message is done when the server has it; it is kept and repeated until then', async () => {
    const world = new World()
    const disk = new Disk()
    let client = await world.online({ storage: disk })
    const deleted = client.delete({ chat: 'ann', epoch: 7, seq: 4 })
    const other = client.delete({ chat: 'ann', epoch: 7, seq: 6 })
    await settle()
    expect(world.link.of('delete')).toEqual([
      ['delete', 'ann', 4, 4],
      ['delete', 'ann', 6, 6],
    ])
    world.link.say(frame('done', 'delete', 'ann', 6, 1))
    expect(await Promise.race([other.then(() => 'done'), settle().then(() => 'waits')])).toBe('waits')
    world.link.say(frame('done', 'delete', 'ann', 6, 6))
    await other
    const ended = expect(deleted).rejects.toMatchObject({ name: 'ClosedError' })
    await client.close()
    await ended
    client = await world.online({ storage: disk })
    expect(world.link.of('delete')).toEqual([['delete', 'ann', 4, 4]])
    world.link.say(frame('done', 'delete', 'ann', 4, 4))
    await client.close()
    expect([...disk.kept.keys()].filter((key) => key.startsWith('delete'))).toEqual([])
  })

  it('of an own message takes its copy, and what the storage has of it, and nobody hears of it again', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    const id = await sent(world, client, 'alice', 'mine')
    world.link.say(frame('copy', 1, id, 'alice', 0, 'mine', 3, 1))
    const { id: queued } = await client.queue('alice', 'on its way')
    const [mine, waits] = await client.outbox()
    if (!mine || !waits) throw new Error('both are known')
    await expect(client.delete(waits)).rejects.toThrow(UsageError)
    const heard: unknown[] = []
    client.on('message', (message) => heard.push(message.id))
    void client.delete(mine)
    await settle()
    expect(world.link.of('delete')).toEqual([['delete', 'alice', 1, 1]])
    world.link.say(frame('receipt', 0, 'alice', 3, 1, 1), frame('copy', 2, id, 'alice', 0, 'mine', 3, 1))
    expect(heard).toEqual([])
    expect([...disk.kept.keys()].filter((key) => key.startsWith('out:'))).toEqual([`out:${queued}`])
  })

  it('of a chat goes as far as the inbox at that moment: what comes later stays, and so does what waits to be sent', async () => {
    const world = new World()
    const client = await world.online()
    const heard = follow(client)
    await sent(world, client, 'alice', 'sent')
    await sent(world, client, 'ann', 'to another')
    world.link.say(message(1), message(2))
    await settle()
    world.link.lose()
    await client.queue('alice', 'waits')
    void client.delete('alice')
    await settle()
    expect(await waiting(client)).toEqual(['to another', 'waits'])
    await world.clock.pass(1_000)
    await world.welcomed({ seq: 2 })
    expect(world.link.of('delete')).toEqual([['delete', 'alice', 1, 2]])
    world.link.say(message(3), frame('deleted', 4, 'alice', 1, 2))
    await settle()
    expect(heard).toEqual(['m1', 'm2', 'm3', 'gone alice 1-2'])
  })

  it('of a chat takes what waits to be handed out, and what comes before the server has done it', async () => {
    const world = new World()
    const disk = new Disk()
    let client = await world.online({ storage: disk })
    world.link.say(message(1), message(2), message(3, 'other', 'ann'))
    void client.delete('alice').catch(() => undefined)
    await settle()
    const heard = follow(client)
    await world.clock.pass(100)
    expect(heard).toEqual(['other'])
    expect(world.link.of('ack').at(-1)).toEqual(['ack', 3])
    await client.close()
    client = await world.online({ storage: disk })
    const again = follow(client)
    world.link.say(message(4))
    await settle()
    expect(again).toEqual(['m4'])
  })

  it('of what comes in a replay is not handed out either', async () => {
    const world = new World()
    const client = await world.online({}, { seq: 0, tail: 2 })
    void client.delete('alice')
    await settle()
    expect(world.link.of('delete')).toEqual([['delete', 'alice', 1, 2]])
    const heard = follow(client)
    world.link.say(message(1), message(2), message(3))
    await world.clock.pass(100)
    expect(heard).toEqual(['m3'])
    expect(world.link.of('ack').at(-1)).toEqual(['ack', 3])
  })

  it('is said after what was read before it: of what is gone no read could be told', async () => {
    const world = new World()
    const client = await world.online()
    follow(client)
    world.link.say(message(1), message(2))
    await world.clock.pass(100)
    client.read({ chat: 'alice', epoch: 7, seq: 1 })
    client.read({ chat: 'alice', epoch: 7, seq: 2 })
    void client.delete('alice')
    await settle()
    expect(world.link.said.slice(-3)).toEqual([
      ['read', 'alice', 1],
      ['read', 'alice', 2],
      ['delete', 'alice', 1, 2],
    ])
  })

  it('takes nothing of a log that was begun anew meanwhile', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    world.link.say(message(1), message(2))
    await settle()
    world.link.lose()
    const whole = client.delete('alice')
    await world.clock.pass(1_000)
    await world.welcomed({ epoch: 8, seq: 2, resumed: false })
    await whole
    await client.delete({ chat: 'alice', epoch: 7, seq: 1 })
    expect(world.link.of('delete')).toEqual([])
    expect([...disk.kept.keys()].filter((key) => key.startsWith('delete'))).toEqual([])
    void client.delete({ chat: 'alice', epoch: 8, seq: 2 })
    await settle()
    expect(world.link.of('delete')).toEqual([['delete', 'alice', 2, 2]])
  })

  it('by another device takes what this one sent there', async () => {
    const world = new World()
    const client = await world.online()
    follow(client)
    const id = await sent(world, client, 'alice', 'one')
    await sent(world, client, 'alice', 'two')
    world.link.say(frame('copy', 1, id, 'alice', 0, 'one', 3, 1), frame('deleted', 2, 'alice', 1, 1))
    expect(await waiting(client)).toEqual([])
    await sent(world, client, 'alice', 'three')
    world.link.say(frame('deleted', 3, 'alice', 2, 2))
    expect(await waiting(client)).toEqual(['three'])
  })

  it('of a client that was never connected waits until it knows how far the inbox goes', async () => {
    const world = new World()
    const client = world.connect()
    const deleted = client.delete('ann')
    await world.welcomed({ seq: 12 })
    world.link.say(['settings', 'everyone', 'everyone', true, '', '', ''], frame('done', 'ask', 'settings', 1))
    await settle()
    expect(world.link.of('delete')).toEqual([['delete', 'ann', 1, 12]])
    world.link.say(frame('done', 'delete', 'ann', 12, 1))
    await deleted
  })
})
