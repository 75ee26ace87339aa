/** What a client gives to its program and sends for it. No sockets and no time. */
import { describe, expect, it } from 'vitest'
import { type Client, OutboxFullError, type Outgoing, RefusedError, UsageError } from '../../src/client/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { Disk, message, settle, World, welcome } from './world.ts'

const frame = (...given: unknown[]) => given as unknown as ServerFrame
const states = (client: Client) => {
  const seen: string[] = []
  client.on('message', ({ body, state }) => seen.push(`${body} ${state}`))
  return seen
}
async function taken(client: Client, count: number): Promise<unknown[]> {
  const bodies: unknown[] = []
  for await (const { body } of client.messages()) {
    bodies.push(body)
    if (bodies.length === count) break
  }
  return bodies
}

describe('messages()', () => {
  it('acknowledges what the loop has finished with, once that is stored', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    const loop = client.messages()
    world.link.say(message(1), message(2))
    expect((await loop.next()).value).toMatchObject({ seq: 1, body: 'm1', from: 'alice', id: 'id-1' })
    await settle()
    expect(world.link.of('ack')).toEqual([])
    expect((await loop.next()).value).toMatchObject({ seq: 2 })
    expect(disk.kept.get('cursor')).toEqual({ user: 'bob', epoch: 7, seq: 1, life: 0 })
    await settle()
    expect(world.link.of('ack')).toEqual([['ack', 1]])
  })

  it('gives the next one only when the storage has the one before', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    let written = () => {}
    const write = disk.write.bind(disk)
    const loop = client.messages()
    world.link.say(message(1), message(2))
    await loop.next()
    disk.write = async (changes) => {
      await new Promise<void>((resolve) => {
        written = resolve
      })
      await write(changes)
    }
    let second = false
    const next = loop.next().then(() => {
      second = true
    })
    await settle()
    expect(second).toBe(false)
    written()
    await next
  })

  it('gives again what a loop left by break or throw, and acknowledges nothing of it', async () => {
    const world = new World()
    const client = await world.online()
    world.link.say(message(1), message(2), message(3))
    expect(await taken(client, 2)).toEqual(['m1', 'm2'])
    await expect(async () => {
      for await (const { body } of client.messages()) throw new Error(String(body))
    }).rejects.toThrow('m2')
    expect(await taken(client, 2)).toEqual(['m2', 'm3'])
    expect(world.link.of('ack').at(-1)).toEqual(['ack', 1])
  })

  it('is for one loop at a time', async () => {
    const world = new World()
    const client = await world.online()
    void client.messages().next()
    await expect(client.messages().next()).rejects.toThrow(UsageError)
    await client.close()
  })

  it('drops repeats, also after a reconnect and after a restart', async () => {
    const world = new World()
    const disk = new Disk()
    const first = await world.online({ storage: disk })
    world.link.say(message(1), message(2), message(1), message(2))
    const bodies: unknown[] = []
    const loop = (async () => {
      for await (const { body } of first.messages()) bodies.push(body)
    })()
    await settle()
    world.link.lose()
    await world.clock.pass(500)
    await world.welcomed({ seq: 2 })
    world.link.say(message(2), message(3))
    await settle()
    expect(bodies).toEqual(['m1', 'm2', 'm3'])
    await first.close()
    await loop
    const second = await world.online({ storage: disk }, { seq: 3 })
    expect(world.link.of('hello')[0]?.slice(3, 5)).toEqual([7, 3])
    world.link.say(message(3), message(4))
    expect(await taken(second, 1)).toEqual(['m4'])
  })

  it('comes back for what is missing', async () => {
    const world = new World()
    const client = await world.online()
    world.link.say(message(1), message(3), message(4))
    expect(world.link.closed).toBe(4000)
    expect(client.connection).toMatchObject({ is: 'waiting', reason: 'hole' })
    expect(await taken(client, 1)).toEqual(['m1'])
    await world.clock.pass(500)
    await world.welcomed()
    world.link.say(message(1), message(2), message(3))
    expect(await taken(client, 3)).toEqual(['m1', 'm2', 'm3'])
  })

  it('tells of a gap, still gives what it had, and goes on in the new log', async () => {
    const world = new World()
    const client = await world.online()
    const gaps: object[] = []
    client.on('gap', (gap) => gaps.push(gap))
    world.link.say(message(1), message(2))
    await settle()
    const loop = client.messages()
    const old = (await loop.next()).value
    world.link.lose()
    await world.clock.pass(500)
    await world.welcomed({ epoch: 8, seq: 4, resumed: false })
    world.link.say(message(5))
    expect(gaps).toEqual([{ epoch: 8, seq: 4, why: null }])
    old?.read()
    expect((await loop.next()).value).toMatchObject({ body: 'm2' })
    expect((await loop.next()).value).toMatchObject({ body: 'm5' })
    void loop.next()
    await world.clock.pass(100)
    expect(world.link.of('ack')).toEqual([['ack', 5]])
    expect(world.link.of('read')).toEqual([])
    await client.close()
  })

  it('takes no message twice after a gap in the same log', async () => {
    const world = new World()
    const client = await world.online()
    const gaps: unknown[] = []
    client.on('gap', ({ seq }) => gaps.push(seq))
    world.link.say(message(1), message(2))
    await settle()
    world.link.lose()
    await world.clock.pass(500)
    await world.welcomed({ tail: 3, resumed: false })
    world.link.say(message(1), message(2), message(3))
    const heard: unknown[] = []
    for await (const { body } of client.messages()) {
      heard.push(body)
      if (body === 'm3') break
    }
    expect([heard, gaps]).toEqual([['m1', 'm2', 'm3'], [0]])
  })

  it('presents a cursor only when it is stored, and takes no message twice for that', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    const write = disk.write.bind(disk)
    let release = () => {}
    world.link.say(message(1))
    const loop = client.messages()
    await loop.next()
    disk.write = async (changes) => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      await write(changes)
    }
    const next = loop.next()
    await settle()
    world.link.lose()
    await world.clock.pass(500)
    world.link.open()
    await settle()
    expect(world.link.of('hello')[0]?.slice(3, 5)).toEqual([7, 0])
    disk.write = write
    world.link.say(welcome(), message(1), message(2))
    release()
    expect((await next).value).toMatchObject({ body: 'm2' })
    await world.clock.pass(100)
    expect(world.link.of('ack')).toEqual([['ack', 1]])
  })

  it('acknowledges and reads in one frame for many, at most every 20 ms', async () => {
    const world = new World()
    const client = await world.online()
    world.link.say(...Array.from({ length: 200 }, (_, n) => message(n + 1)))
    for await (const { seq, read } of client.messages()) {
      read()
      if (seq === 200) break
    }
    await world.clock.pass(1_000)
    expect(world.link.of('ack').at(-1)).toEqual(['ack', 199])
    expect(world.link.of('read').at(-1)).toEqual(['read', 'alice', 200])
    expect(world.link.said.length).toBeLessThan(10)
  })

  it('batches() gives what is there at once, and counts it as handled together', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    world.link.say(...Array.from({ length: 100 }, (_, n) => message(n + 1)))
    await settle()
    const before = disk.writes.length
    const sizes: number[] = []
    for await (const batch of client.batches(40)) {
      sizes.push(batch.length)
      if (sizes.length === 3) break
    }
    expect(sizes).toEqual([40, 40, 20])
    expect(disk.writes.length - before).toBe(2)
    expect(disk.kept.get('cursor')).toMatchObject({ seq: 80 })
  })
})

describe('read()', () => {
  it('is kept until the server confirms it, and said again after a reconnect, a restart, and a refusal for now', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    world.link.say(message(1), message(2))
    for await (const { read, seq } of client.messages()) {
      read()
      if (seq === 2) break
    }
    await world.clock.pass(100)
    expect(world.link.of('read').at(-1)).toEqual(['read', 'alice', 2])
    world.link.say(frame('error', 'busy', 'read', 'alice', 500, ''))
    await world.clock.pass(400)
    const said = world.link.of('read').length
    await world.clock.pass(200)
    expect(world.link.of('read')).toHaveLength(said + 1)
    await client.close()
    const again = await world.online({ storage: disk }, { seq: 1 })
    expect(world.link.of('read')).toEqual([['read', 'alice', 2]])
    world.link.say(frame('done', 'read', 'alice', 2))
    await settle()
    expect(disk.kept.has('read:alice')).toBe(false)
    await again.close()
  })

  it('that is refused for good is forgotten, and told', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    const refused: object[] = []
    client.on('refused', (event) => refused.push(event))
    world.link.say(message(1))
    for await (const { read } of client.messages()) {
      read()
      break
    }
    await settle()
    world.link.say(frame('error', 'not_that_chat', 'read', 'alice', 0, ''))
    await settle()
    expect(refused).toEqual([{ kind: 'read', ref: 'alice', code: 'not_that_chat' }])
    expect(disk.kept.has('read:alice')).toBe(false)
  })
})

describe('sending', () => {
  it('queue() resolves when the message is stored, and it goes when there is a connection, in order', async () => {
    const world = new World()
    const disk = new Disk()
    const client = world.connect({ storage: disk })
    const queued = await Promise.all(['1', '2', '3'].map((body) => client.queue('alice', body)))
    expect(queued.map(({ state }) => state)).toEqual(['queued', 'queued', 'queued'])
    expect(disk.kept.size).toBe(3)
    expect(disk.writes).toHaveLength(1)
    await world.welcomed()
    expect(world.link.of('send')).toEqual(queued.map(({ id, body }) => ['send', id, 'alice', body, false]))
    expect(world.link.messages).toHaveLength(2)
  })

  it('send() resolves with the position at the server; ticks rise and never fall', async () => {
    const world = new World()
    const client = await world.online()
    const seen = states(client)
    const sending = client.send('alice', 'hi')
    await settle()
    const id = world.link.of('send')[0]?.[1]
    world.link.say(frame('sent', id, 3, 9, 77))
    expect(await sending).toMatchObject({ state: 'sent', at: { epoch: 3, seq: 9 }, time: 77 })
    const read = client.reached(String(id), 'read')
    for (const [delivered, isRead] of [
      [8, 0],
      [9, 0],
      [9, 0],
      [4, 0],
      [9, 9],
      [9, 0],
    ])
      world.link.say(frame('receipt', 0, 'alice', 3, delivered, isRead))
    expect((await read).state).toBe('read')
    expect(seen).toEqual(['hi queued', 'hi sent', 'hi delivered', 'hi read'])
    expect(await client.outbox()).toEqual([])
    expect((await client.reached(String(id), 'delivered')).state).toBe('read')
    await expect(client.reached('no such id', 'read')).rejects.toMatchObject({ code: 'unknown_message' })
  })

  it('a receipt that comes before the answer counts when the answer comes; one of another log does not', async () => {
    const world = new World()
    const client = await world.online()
    const seen = states(client)
    for (const body of ['a', 'b']) await client.queue('alice', body)
    await settle()
    const [a, b] = world.link.of('send').map(([, id]) => id)
    world.link.say(frame('receipt', 1, 'alice', 3, 1, 1))
    world.link.say(frame('sent', a, 3, 1, 0), frame('sent', b, 4, 1, 0))
    expect(seen.slice(2)).toEqual(['a read', 'b sent'])
  })

  it('repeats what was under way when the link broke, marked as a repeat, in the same order', async () => {
    const world = new World()
    const client = await world.online({}, { limits: { sendsInFlight: 3 } })
    for (const body of ['1', '2', '3', '4', '5']) await client.queue('alice', body)
    await settle()
    const ids = world.link.of('send').map(([, id]) => id)
    expect(ids).toHaveLength(3)
    world.link.say(frame('sent', ids[0], 3, 1, 0))
    world.link.lose()
    await world.clock.pass(500)
    await world.welcomed()
    expect(world.link.of('send').map(([, , , body, again]) => [body, again])).toEqual([
      ['2', true],
      ['3', true],
      ['4', true],
      ['5', false],
    ])
    const again = world.link.of('send')
    world.link.say(welcome())
    await settle()
    expect(world.link.of('send').slice(again.length)).toEqual(again.map((send) => [...send.slice(0, 4), true]))
  })

  it('waits as long as the server says, keeps the order behind a refusal, and serves the others meanwhile', async () => {
    const world = new World()
    const client = await world.online({}, { limits: { sendsInFlight: 4 } })
    for (const body of ['1', '2', '3', '4', '5', '6']) await client.queue('alice', body)
    await settle()
    const ids = world.link.of('send').map(([, id]) => id)
    world.link.say(frame('sent', ids[0], 3, 1, 0))
    await settle()
    for (const id of ids.slice(1)) world.link.say(frame('error', 'busy', 'send', id, 500, ''))
    await client.queue('carol', 'c')
    await settle()
    expect(
      world.link
        .of('send')
        .slice(4)
        .map(([, , to, body]) => [to, body]),
    ).toEqual([
      ['alice', '5'],
      ['carol', 'c'],
    ])
    await world.clock.pass(1_000)
    expect(world.link.of('send')).toHaveLength(6)
    world.link.say(frame('error', 'busy', 'send', world.link.of('send')[4]?.[1], 500, ''))
    await world.clock.pass(400)
    expect(world.link.of('send')).toHaveLength(6)
    await world.clock.pass(200)
    expect(
      world.link
        .of('send')
        .slice(6)
        .map(([, , , body]) => body),
    ).toEqual(['2', '3', '4'])
  })

  it('rejects what is refused for good, and forgets it', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    const sending = client.send('alice', 'spam')
    await settle()
    world.link.say(frame('error', 'refused', 'send', world.link.of('send')[0]?.[1], 0, ''))
    const error = await sending.catch((error) => error)
    expect(error).toBeInstanceOf(RefusedError)
    expect(error).toMatchObject({ code: 'refused' })
    expect(await client.outbox()).toEqual([])
    expect([...disk.kept.keys()]).toEqual(['cursor'])
  })

  it('refuses what is too large, also when it learns of the limit only when it connects', async () => {
    const world = new World()
    const client = world.connect()
    await expect(client.queue('alice', 'x'.repeat(40_000))).rejects.toMatchObject({
      code: 'too_large',
      message: 'refused: the body is larger than this node accepts (too_large)',
    })
    for (const body of [undefined, null, 5, {}])
      await expect(client.queue('alice', body as never)).rejects.toMatchObject({ name: 'UsageError', code: 'bad_body' })
    await expect(client.queue('alice', '\u0001'.repeat(30_000))).rejects.toMatchObject({ code: 'too_large' })
    await client.queue('alice', '\u0001'.repeat(20_000))
    await client.queue('alice', new Uint8Array(32_000))
    const seen = states(client)
    const small = await client.queue('alice', 'small')
    await world.welcomed({ limits: { bodyBytes: 1_000, frameBytes: 10_000 } })
    expect(world.link.of('send').map(([, id]) => id)).toEqual([small.id])
    expect(seen.filter((state) => state.endsWith('refused'))).toHaveLength(2)
  })

  it('never sends a WebSocket message that is larger than the server takes', async () => {
    const world = new World()
    const client = world.connect()
    for (let n = 0; n < 40; n++) await client.queue('alice', '"\u0002'.repeat(n * 250))
    await world.welcomed()
    expect(world.link.of('send')).toHaveLength(40)
    for (const message of world.link.messages) expect(message.length).toBeLessThan(128 * 1024)
  })

  it('bounds what waits, in messages and in bytes', async () => {
    const world = new World()
    const client = world.connect({ outboxMessages: 3, outboxBytes: 1_000 })
    await expect(client.queue('alice', 'x'.repeat(2_000))).rejects.toThrow(OutboxFullError)
    const results = await Promise.allSettled(['1', '2', '3', '4'].map((body) => client.queue('alice', body)))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
    await world.welcomed()
    world.link.say(frame('sent', world.link.of('send')[0]?.[1], 1, 1, 0))
    expect((await client.queue('alice', '4')).state).toBe('queued')
  })

  it('carries media, both ways, also through a restart', async () => {
    const world = new World()
    const disk = new Disk()
    const media = { id: 'f'.repeat(64), type: 'image/png', size: 7, preview: new Uint8Array([1, 2]) }
    const { id: hash, ...rest } = media
    const ref = { media: hash, ...rest }
    const offline = world.connect({ storage: disk })
    await offline.queue('alice', 'look', { media: { ...media, more: 'than the wire knows' } as typeof media })
    await expect(
      offline.queue('alice', '', { media: { ...media, preview: new Uint8Array(5_000) } }),
    ).rejects.toMatchObject({ code: 'too_large' })
    await offline.close()
    const client = await world.online({ storage: disk })
    expect(world.link.of('send')[0]?.slice(3, 6)).toEqual(['look', false, ref])
    world.link.say(frame('message', 1, 'id', 'alice', 0, 'see', ref))
    world.link.say(frame('copy', 2, 'x', 'alice', 5, 'sent', 3, 1, { ...ref, preview: undefined }))
    const { value } = await client.messages().next()
    expect(value).toMatchObject({ body: 'see', media })
    expect((await client.outbox()).map(({ media }) => media?.id)).toEqual([hash, hash])
  })

  it('copies bytes, so that the program may reuse them', async () => {
    const world = new World()
    const client = await world.online()
    const bytes = Buffer.from('abc')
    await client.queue('alice', bytes)
    bytes.fill(0)
    await settle()
    expect(world.link.of('send')[0]?.[3]).toEqual(new Uint8Array([97, 98, 99]))
  })

  it('shows what another own device sent, once, and its ticks', async () => {
    const world = new World()
    const client = await world.online()
    const seen = states(client)
    const copy = (seq: number, id: string, position: number) => frame('copy', seq, id, 'alice', 5, id, 3, position)
    world.link.say(copy(1, 'x', 1), copy(2, 'y', 2), copy(1, 'x', 1))
    world.link.say(frame('receipt', 3, 'alice', 3, 2, 1))
    await world.clock.pass(100)
    expect(seen).toEqual(['x sent', 'y sent', 'x read', 'y delivered'])
    expect(world.link.of('ack').at(-1)).toEqual(['ack', 3])
  })

  it('tells each state once: that its copy has a place is told as that', async () => {
    const world = new World()
    const client = await world.online()
    const seen = states(client)
    const placed: unknown[] = []
    client.on('placed', ({ state, copy }) => placed.push([state, copy]))
    await client.queue('alice', 'a')
    await settle()
    const id = world.link.of('send')[0]?.[1]
    world.link.say(frame('sent', id, 3, 1, 0), frame('copy', 1, id, 'alice', 0, 'a', 3, 1))
    world.link.say(frame('receipt', 0, 'alice', 3, 1, 1))
    expect(seen).toEqual(['a queued', 'a sent', 'a read'])
    expect(placed).toEqual([['sent', { epoch: 7, seq: 1 }]])
  })

  it('takes its own copy, that comes late, for what it is', async () => {
    const world = new World()
    const client = await world.online()
    const seen = states(client)
    const copies: unknown[] = []
    client.on('placed', ({ copy }) => copies.push(copy))
    await client.queue('alice', 'a')
    await settle()
    const id = world.link.of('send')[0]?.[1]
    world.link.say(frame('sent', id, 3, 1, 0), frame('receipt', 0, 'alice', 3, 1, 1))
    world.link.say(frame('copy', 1, id, 'alice', 0, 'a', 3, 1))
    expect(seen).toEqual(['a queued', 'a sent', 'a read'])
    expect(copies).toEqual([{ epoch: 7, seq: 1 }])
  })
})

describe('a restart', () => {
  it('sends what was queued before, in the order of the calls, also when the clock went back', async () => {
    const world = new World()
    const disk = new Disk()
    const lives: Outgoing[] = []
    for (const body of ['1', '2', '3']) {
      const client = world.connect({ storage: disk })
      lives.push(await client.queue('alice', body))
      await client.close()
      world.clock.time -= 100_000
    }
    // The ids sort by time: of a clock that went back they say nothing.
    const scrambled = new Map([...disk.kept].reverse())
    disk.kept = scrambled
    const client = await world.online({ storage: disk })
    expect((await client.outbox()).map(({ body }) => body)).toEqual(['1', '2', '3'])
    expect(world.link.of('send').map(([, id, , body, again]) => [id, body, again])).toEqual(
      lives.map(({ id, body }) => [id, body, false]),
    )
  })

  it('lets ticks rise for what was sent before', async () => {
    const world = new World()
    const disk = new Disk()
    const first = await world.online({ storage: disk })
    for (const body of ['1', '2']) await first.queue('alice', body)
    await settle()
    const ids = world.link.of('send').map(([, id]) => id)
    world.link.say(frame('sent', ids[0], 3, 1, 0), frame('receipt', 1, 'alice', 3, 2, 1))
    await first.close()
    const second = await world.online({ storage: disk }, { seq: 1 })
    const seen = states(second)
    world.link.say(frame('sent', ids[1], 3, 2, 0))
    expect(seen).toEqual(['2 delivered'])
    world.link.say(frame('receipt', 2, 'alice', 3, 2, 2))
    await settle()
    expect(seen).toEqual(['2 delivered', '2 read'])
    expect([...disk.kept.keys()]).toEqual(['cursor'])
  })
})

it('presence comes to who watches, until they do not; a refusal is told', async () => {
  const world = new World()
  const client = await world.online()
  const [one, two]: object[][] = [[], []]
  const refused: object[] = []
  client.on('refused', (event) => refused.push(event))
  const endOne = client.watch('alice', (presence) => one?.push(presence))
  const endTwo = client.watch('alice', (presence) => two?.push(presence))
  await settle()
  world.link.say(frame('presence', 'alice', true, null), frame('presence', 'carol', true, null))
  endOne()
  world.link.say(frame('presence', 'alice', false, 5), frame('presence', 'alice', false, null))
  endTwo()
  endTwo()
  await settle()
  expect(one).toEqual([{ online: true }])
  expect(two).toEqual([{ online: true }, { online: false, lastSeen: new Date(5) }, { online: false }])
  expect(world.link.said.slice(1)).toEqual([
    ['watch', 'alice'],
    ['unwatch', 'alice'],
  ])
  client.watch('dan', () => {})
  await settle()
  world.link.say(frame('error', 'too_many_watches', 'watch', 'dan', 0, ''))
  expect(refused).toEqual([{ kind: 'watch', ref: 'dan', code: 'too_many_watches' }])
})

it('queues a message once whose id the program has given, and marks it as one that may come again', async () => {
  const world = new World()
  const client = await world.online()
  const id = '01890000-0000-7000-8000-000000000001'
  const [first, again] = [await client.queue('alice', 'hi', { id }), await client.queue('alice', 'hi', { id })]
  expect(again).toMatchObject({ id: first.id })
  await settle()
  expect(world.link.of('send').map((frame) => [frame[1], frame[4]])).toEqual([[id, true]])
  await expect(client.queue('alice', 'hi', { id: 'mine' })).rejects.toMatchObject({ code: 'bad_option' })
})
