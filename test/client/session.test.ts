/** How a client connects, comes back, gives up and ends. No sockets and no time. */
import { describe, expect, it, vi } from 'vitest'
import {
  ClosedError,
  type ConnectionStatus,
  connect,
  memoryStorage,
  StorageError,
  UsageError,
} from '../../src/client/index.ts'
import { Disk, message, settle, World } from './world.ts'

describe('connecting', () => {
  it('gets a token, says hello, and is online when it is welcomed', async () => {
    const world = new World()
    const tokens = vi.fn(async () => 'fresh')
    const client = world.connect({ token: tokens, device: 'phone' })
    expect(client.connection).toEqual({ is: 'connecting' })
    await settle()
    expect(world.link.said).toEqual([])
    world.link.open()
    await settle()
    expect(world.link.said).toEqual([['hello', 'fresh', 'phone', 0, 0, false]])
    await world.welcomed()
    expect(client.connection).toEqual({ is: 'online', user: 'bob', device: 'phone' })
    world.link.lose()
    await world.clock.pass(1_000)
    expect(tokens).toHaveBeenCalledTimes(2)
  })

  it.each(['http://here', 'here:8080', '', 'ws://', 'ws://here:99999', 'ws://here/#me', undefined])(
    'refuses the url %s at once, in one sentence',
    (url) => {
      expect(() => connect({ url: url as string, token: 'bob' })).toThrow(UsageError)
    },
  )

  it('refuses a token that is not there, as that of an unset variable, at once', () => {
    expect(() => connect({ url: 'ws://here', token: undefined as never })).toThrow(UsageError)
  })

  it('ends where the hello is refused, instead of saying the same again', async () => {
    const world = new World()
    const client = world.connect({ device: ' phone' })
    await settle()
    world.link.open()
    world.link.say(['error', 'bad_id', 'hello', null, 0, ''])
    expect(client.connection).toEqual({ is: 'closed', code: 'bad_id' })
    await expect(client.queue('alice', 'x')).rejects.toThrow(ClosedError)
  })

  it('tells what the platform says of a node that cannot be reached', async () => {
    const client = connect({ url: 'ws://127.0.0.1:1', token: 'bob' })
    await expect
      .poll(() => client.connection)
      .toMatchObject({ is: 'waiting', reason: expect.stringMatching(/ECONNREFUSED/) })
    await client.close()
  })

  it('takes a transport that throws for one that has no connection: when it dials, when it sends, and when it hangs up', async () => {
    const world = new World()
    let broken = 'dial'
    const client = world.connect({
      transport: (...args) => {
        if (broken === 'dial') throw new Error('no network stack')
        const connection = world.transport(...args)
        return {
          send: (data) => {
            if (broken === 'send') throw new Error('the socket is gone')
            connection.send(data)
          },
          close: () => {
            throw new Error('closed already')
          },
        }
      },
    })
    await settle()
    expect(client.connection).toMatchObject({ is: 'waiting', reason: expect.stringMatching(/no network stack/) })
    broken = ''
    await world.clock.pass(1_000)
    await world.welcomed()
    expect(client.connection).toMatchObject({ is: 'online' })
    broken = 'send'
    await client.queue('alice', 'Hi')
    await settle()
    expect(client.connection).toMatchObject({ is: 'waiting', reason: expect.stringMatching(/the socket is gone/) })
    broken = ''
    await world.clock.pass(5_000)
    await world.welcomed()
    expect(world.link.of('send')).toMatchObject([['send', expect.any(String), 'alice', 'Hi', true]])
    await client.close()
    expect(client.connection).toMatchObject({ is: 'closed', code: 'closed' })
  })

  it('waits longer before each try, by up to half less by chance, and starts again after a connection that held', async () => {
    const world = new World()
    const client = world.connect()
    const waits: number[] = []
    for (const chance of [1, 1, 1, 0, 1, 1, 1, 1, 0]) {
      world.clock.chance = chance
      await settle()
      world.link.lose()
      const { connection } = client
      if (connection.is === 'waiting') waits.push(connection.retryAt - world.clock.now())
      await world.clock.pass(15_000)
    }
    expect(waits).toEqual([300, 500, 1_000, 1_000, 5_000, 10_000, 15_000, 15_000, 7_500])
    await world.welcomed()
    await world.clock.pass(9_000)
    world.link.lose()
    expect(client.connection).toMatchObject({ is: 'waiting', attempt: 10 })
    await world.clock.pass(15_000)
    await world.welcomed()
    await world.clock.pass(5_000)
    world.link.say(['ping', 1])
    await world.clock.pass(6_000)
    world.link.lose(3000)
    expect(client.connection).toMatchObject({ is: 'waiting', attempt: 1, reason: 'going_away' })
  })

  it('says when the next try is by the clock as it is then, and in the same words until that is set', async () => {
    const world = new World()
    const client = await world.online()
    world.link.lose()
    const retryAt = () => (client.connection.is === 'waiting' ? client.connection.retryAt - world.clock.now() : 0)
    const [first, waits] = [client.connection, retryAt()]
    expect(waits).toBeGreaterThan(100)
    await world.clock.pass(100)
    expect(client.connection).toBe(first)
    world.clock.ahead = -3_600_000
    expect(retryAt()).toBe(waits - 100)
  })

  it('tries at once when it is told to, and only then dials', async () => {
    const world = new World()
    const client = await world.online()
    client.retryNow()
    expect(world.links).toHaveLength(1)
    world.link.lose()
    client.retryNow()
    await settle()
    expect(world.links).toHaveLength(2)
    expect(client.connection).toEqual({ is: 'connecting' })
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no network')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no network'))],
  ])('waits and tries again when the token function %s', async (_how, broken) => {
    const world = new World()
    let works = false
    const client = world.connect({ token: () => (works ? 'bob' : broken()) })
    await settle()
    expect(client.connection).toMatchObject({ is: 'waiting', reason: 'no token: no network' })
    expect(world.links).toHaveLength(0)
    works = true
    await world.clock.pass(400)
    await world.welcomed()
    expect(client.connection.is).toBe('online')
  })

  it('gives up a try that gets no answer: no token, no socket, or no welcome', async () => {
    const world = new World()
    const client = world.connect({
      token: () => (world.clock.now() < 1_030_000 ? new Promise<string>(() => {}) : 'bob'),
    })
    await world.clock.pass(29_000)
    expect(client.connection.is).toBe('connecting')
    await world.clock.pass(1_100)
    expect(client.connection).toMatchObject({ is: 'waiting', reason: 'silent' })
    await world.clock.pass(1_000)
    expect(world.links).toHaveLength(1)
    await world.clock.pass(30_000)
    expect(world.links).toHaveLength(2)
    expect(world.links[0]?.closed).toBe(4001)
    world.links[0]?.open()
    world.link.open()
    await world.clock.pass(31_000)
    expect(world.links[0]?.said).toEqual([])
    expect(world.links[1]?.closed).toBe(4001)
  })
})

describe('a link', () => {
  it('that is quiet is pinged, and given up when there is no answer', async () => {
    const world = new World()
    const client = await world.online()
    await world.clock.pass(15_100)
    expect(world.link.of('ping')).toHaveLength(1)
    world.link.say(['pong', 0])
    await world.clock.pass(25_000)
    expect(world.link.of('ping')).toHaveLength(2)
    expect(client.connection.is).toBe('online')
    await world.clock.pass(8_000)
    expect(world.links[0]?.closed).toBe(4001)
    expect(world.links).toHaveLength(2)
  })

  it('is not given up because this machine slept: it is asked first', async () => {
    const world = new World()
    const client = await world.online()
    world.clock.time += 3_600_000
    await world.clock.pass(100)
    expect(world.link.of('ping')).toHaveLength(1)
    world.link.say(['pong', 0])
    await world.clock.pass(5_000)
    expect(client.connection.is).toBe('online')
  })

  it('is asked at once when the machine wakes, and given up after five seconds of silence', async () => {
    const world = new World()
    const client = await world.online()
    for (let n = 0; n < 50; n++) client.retryNow()
    expect(client.connection.is).toBe('online')
    await settle()
    expect(world.link.of('ping')).toHaveLength(1)
    await world.clock.pass(4_900)
    expect(world.links).toHaveLength(1)
    await world.clock.pass(500)
    expect(world.links[0]?.closed).toBe(4001)
    expect(world.links).toHaveLength(2)
    // The next one is as any other.
    await world.welcomed()
    await world.clock.pass(10_000)
    expect(world.link.of('ping')).toHaveLength(0)
    expect(world.links).toHaveLength(2)
  })

  it('that answers stays when the machine wakes, however often, also one that is slow', async () => {
    const world = new World()
    const client = await world.online()
    for (const n of [1, 2, 3]) {
      client.retryNow()
      await settle()
      const [, asked] = world.link.of('ping').at(-1) ?? []
      expect(world.link.of('ping')).toHaveLength(n)
      // What is before the answer on a slow link.
      for (const seq of [1, 2]) {
        await world.clock.pass(4_000)
        world.link.say(message(2 * n - 2 + seq))
      }
      await world.clock.pass(4_000)
      world.link.say(['pong', asked ?? 0])
      await world.clock.pass(6_000)
    }
    expect(client.connection.is).toBe('online')
    expect(world.links).toHaveLength(1)
  })

  it('is not taken for good by what had come before the machine slept', async () => {
    const world = new World()
    const client = await world.online()
    await world.clock.pass(15_100)
    expect(world.link.of('ping')).toHaveLength(1)
    client.retryNow()
    world.link.say(message(1), ['pong', 0])
    await world.clock.pass(6_000)
    expect(world.links[0]?.closed).toBe(4001)
  })

  it('that is not there yet has five seconds from when the machine wakes, where it was tried for as long before', async () => {
    const world = new World()
    const client = world.connect()
    await world.clock.pass(4_000)
    client.retryNow()
    await world.clock.pass(6_000)
    expect(client.connection.is).toBe('connecting')
    for (let n = 0; n < 50; n++) client.retryNow()
    await world.clock.pass(4_900)
    client.retryNow()
    expect(world.links).toHaveLength(1)
    await world.clock.pass(500)
    expect(world.links).toHaveLength(2)
    await world.clock.pass(29_000)
    expect(world.links).toHaveLength(2)
  })

  it('is not dialled before the storage was read, however late that is', async () => {
    const world = new World()
    let read = () => {}
    const loaded = new Promise<void>((resolve) => {
      read = resolve
    })
    const storage = memoryStorage()
    const client = world.connect({ storage: { ...storage, load: () => loaded.then(() => storage.load()) } })
    client.watch('alice', () => {})
    client.retryNow()
    await world.clock.pass(60_000)
    expect(world.links).toHaveLength(0)
    read()
    await settle()
    expect(world.links).toHaveLength(1)
  })

  it('that carries nonsense is given up, and the next may be better', async () => {
    const world = new World()
    const client = await world.online()
    world.link.raw('{"not a frame')
    expect(client.connection).toMatchObject({ is: 'waiting' })
    expect(world.link.closed).toBe(4002)
    await world.clock.pass(500)
    await world.welcomed()
    expect(client.connection.is).toBe('online')
  })

  it('answers pings, and says again what must hold after each welcome', async () => {
    const world = new World()
    const client = await world.online({ background: true })
    expect(world.link.of('hello')[0]?.[5]).toBe(true)
    client.watch('alice', () => {})
    client.active(true)
    world.link.say(['ping', 5])
    await settle()
    expect(world.link.said.slice(1)).toEqual([
      ['watch', 'alice'],
      ['active', true],
      ['pong', 5],
    ])
    world.link.lose()
    await world.clock.pass(500)
    await world.welcomed()
    expect(world.link.of('hello')[0]?.[5]).toBe(false)
    expect(world.link.of('watch')).toEqual([['watch', 'alice']])
  })

  it('that is too late means nothing', async () => {
    const world = new World()
    const client = await world.online()
    const [old] = world.links
    world.link.lose()
    await world.clock.pass(500)
    old?.say(message(1))
    old?.lose(3500)
    expect(client.connection).toEqual({ is: 'connecting' })
  })
})

describe('the end', () => {
  it.each([
    [3501, 'replaced'],
    [3500, 'bad_token'],
    [3777, 'close_3777'],
  ])('close code %i is for good', async (code, name) => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    const seen: ConnectionStatus[] = []
    client.on('connection', (status) => seen.push(status))
    const loop = client.messages().next()
    world.link.lose(code)
    expect(seen).toEqual([{ is: 'closed', code: name }])
    await expect(loop).rejects.toMatchObject({ name: 'ClosedError', code: name })
    await expect(client.send('alice', 'x')).rejects.toThrow(ClosedError)
    client.retryNow()
    await world.clock.pass(60_000)
    expect(world.links).toHaveLength(1)
    expect(world.clock.waiting).toBe(0)
    expect(disk.closed).toBe(1)
  })

  it('close() says what is left to say, ends loops and whoever waits, and frees the storage; twice is once', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    const sending = client.send('alice', 'x')
    const loop = client.messages().next()
    await settle()
    client.active(false)
    const closing = client.close()
    await Promise.all([closing, client.close()])
    expect(world.link.said.at(-1)).toEqual(['active', false])
    expect(world.link.closed).toBe(1000)
    await expect(sending).rejects.toMatchObject({ name: 'ClosedError', code: 'closed' })
    expect(await loop).toEqual({ done: true, value: undefined })
    expect(disk.closed).toBe(1)
    expect(world.clock.waiting).toBe(0)
    expect([...disk.kept.values()]).toContainEqual(expect.objectContaining({ body: 'x', state: 'queued' }))
  })

  it('close() while offline, while connecting, and before the storage has answered', async () => {
    const world = new World()
    const offline = await world.online()
    world.link.lose()
    await offline.close()
    const connecting = world.connect()
    await settle()
    await connecting.close()
    const early = world.connect()
    await early.close()
    await world.clock.pass(60_000)
    expect(world.links).toHaveLength(2)
    expect(world.clock.waiting).toBe(0)
  })

  it('await using closes', async () => {
    const world = new World()
    const disk = new Disk()
    {
      await using client = await world.online({ storage: disk })
      expect(client.connection.is).toBe('online')
    }
    expect(disk.closed).toBe(1)
  })
})

describe('a storage', () => {
  it('that cannot be read ends the session, with the reason', async () => {
    const world = new World()
    const disk = new Disk()
    disk.fails = new Error('disk on fire')
    const client = world.connect({ storage: disk })
    await expect(client.queue('alice', 'x')).rejects.toThrow(StorageError)
    expect(client.connection).toMatchObject({ is: 'closed', code: 'storage_failed', cause: { cause: disk.fails } })
    expect(world.links).toHaveLength(0)
  })

  it('that fails ends the session before anything is acknowledged, and is not written again', async () => {
    const world = new World()
    const disk = new Disk()
    const client = await world.online({ storage: disk })
    const loop = client.messages()
    world.link.say(message(1))
    await loop.next()
    disk.fails = new Error('disk full')
    await expect(loop.next()).rejects.toMatchObject({ code: 'storage_failed' })
    expect(world.link.of('ack')).toEqual([])
    expect(world.link.closed).toBe(1000)
    disk.fails = undefined
    await expect(client.queue('alice', 'x')).rejects.toMatchObject({ code: 'storage_failed' })
    expect(disk.kept.get('cursor')).toMatchObject({ seq: 0 })
  })

  it('of another user is refused before anything of it is shown or sent', async () => {
    const world = new World()
    const disk = new Disk()
    const first = await world.online({ storage: disk }, { user: 'bob' })
    await first.queue('alice', 'from bob')
    await first.close()
    const second = world.connect({ storage: disk })
    const loop = second.messages().next()
    await settle()
    world.link.open()
    world.link.say(['welcome', 'carol', 'phone', 9, 0, 1, true, 0, {}] as never, message(1))
    await expect(loop).rejects.toMatchObject({ name: 'StorageError', code: 'storage_of_another_user' })
    expect(world.link.of('send')).toEqual([])
    expect(disk.kept.get('cursor')).toMatchObject({ user: 'bob' })
  })
})

it('reports a listener that throws as uncaught, and goes on', async () => {
  const world = new World()
  const uncaught = vi.fn()
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', uncaught)
  const client = world.connect()
  client.on('connection', () => {
    throw new Error('a bug of the application')
  })
  const seen = vi.fn()
  client.on('connection', seen)
  await world.welcomed()
  for (const other of others) process.on('uncaughtException', other)
  process.removeListener('uncaughtException', uncaught)
  expect(client.connection.is).toBe('online')
  expect(seen).toHaveBeenCalled()
  expect(uncaught).toHaveBeenCalled()
})
