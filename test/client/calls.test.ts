/** What calls take: options and events by name, text that can be sent, an end to waiting, and taking back what waits. */
import { describe, expect, it } from 'vitest'
import { type Outgoing, TimeoutError, UsageError } from '../../src/client/index.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { msgpackCodec } from '../../src/protocol/msgpack.ts'
import { Disk, settle, World } from './world.ts'

const failed = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error,
  )

describe('names', () => {
  it.each<[string, (world: World) => unknown, string]>([
    [
      'an option of connect',
      (world) => world.connect({ devic: 'phone' } as never),
      'connect has no option devic; it has url, token, device',
    ],
    ['its value', (world) => world.connect({ device: 5 as never }), 'the option device of connect cannot be 5'],
    [
      'an event',
      (world) => world.connect().on('nosuch' as never, () => {}),
      'there is no event nosuch; there are message, placed, connection',
    ],
    [
      'a listener',
      (world) => world.connect().on('message', undefined as never),
      'who listens to message must be a function',
    ],
  ])('of %s are checked at once', (_, call, text) => {
    expect(() => call(new World())).toThrow(UsageError)
    expect(() => call(new World())).toThrow(text)
  })

  it.each<[string, (client: ReturnType<World['connect']>) => Promise<unknown>, string]>([
    [
      'send',
      (client) => client.send('alice', 'hi', { medium: 1 } as never),
      'send has no option medium; it has media, change, id, signal, timeout',
    ],
    ['queue', (client) => client.queue('alice', 'hi', { signal: 1 } as never), 'queue has no option signal'],
    ['history', (client) => client.history('alice', { befor: 1 } as never), 'history has no option befor'],
    [
      'upload',
      (client) => client.upload(new Uint8Array(1), { progress: 1 } as never),
      'upload and download has no option progress',
    ],
    ['set', (client) => client.set({ lastSen: 'nobody' } as never), 'set has no option lastSen'],
    ['group', (client) => client.group('#g', { timeOut: 1 } as never), 'a call has no option timeOut'],
  ])('of the options of %s are checked', async (_, call, text) => {
    const error = await failed(call(new World().connect()))
    expect(error).toMatchObject({ code: 'bad_option', message: expect.stringContaining(text) })
  })
})

describe('half of an emoji', () => {
  const half = '👋'.slice(0, 1)

  it.each([jsonCodec, msgpackCodec])('is refused at once, and nothing is kept: $subprotocol', async (codec) => {
    const disk = new Disk()
    const client = new World().connect({ codec, storage: disk })
    expect(await failed(client.queue('alice', `hi ${half}`))).toMatchObject({ code: 'bad_body' })
    expect(await failed(client.send('alice', half))).toMatchObject({ code: 'bad_body' })
    expect(await failed(client.createGroup(half))).toMatchObject({ code: 'bad_body' })
    expect(disk.writes).toEqual([])
    expect((await client.queue('alice', 'hi 👋')).body).toBe('hi 👋')
  })

  it('is in no name either: with msgpack it would be that of another', async () => {
    const client = new World().connect()
    for (const call of [client.queue(half, 'hi'), client.block(half), client.group(`#${half}`), client.history(half)])
      expect(await failed(call)).toMatchObject({ code: 'bad_id' })
    expect(() => client.watch(half, () => {})).toThrow(UsageError)
    expect(() => client.typing(half)).toThrow(UsageError)
    expect(() => new World().connect({ device: half })).toThrow(UsageError)
  })
})

describe('an end to waiting', () => {
  const calls: [
    string,
    (client: ReturnType<World['connect']>, options: { signal?: AbortSignal; timeout?: number }) => Promise<unknown>,
  ][] = [
    ['send', (client, options) => client.send('alice', 'hi', options)],
    ['setLifetime', (client, options) => client.setLifetime('alice', 'permanent', options)],
    ['createGroup', (client, options) => client.createGroup('Team', ['alice'], options)],
    ['group', (client, options) => client.group('#g', options)],
    ['history', (client, options) => client.history('alice', options)],
    ['lifetime', (client, options) => client.lifetime('alice', options)],
    ['settings', (client, options) => client.settings(options)],
    ['set', (client, options) => client.set({ lastSeen: 'nobody' }, options)],
    ['block', (client, options) => client.block('mallory', options)],
    ['devices', (client, options) => client.devices(options)],
    ['removeDevice', (client, options) => client.removeDevice('old', options)],
    ['delete', (client, options) => client.delete('alice', options)],
  ]

  it.each(calls)('comes by a signal, and by a time-out: %s', async (_, call) => {
    const world = new World()
    const client = world.connect()
    const gaveUp = new AbortController()
    const [byHand, byTime] = [call(client, { signal: gaveUp.signal }), call(client, { timeout: 5_000 })].map(failed)
    await settle()
    gaveUp.abort(new Error('the person left'))
    await world.clock.pass(5_000)
    expect(await byHand).toMatchObject({ message: 'the person left' })
    expect(await byTime).toBeInstanceOf(TimeoutError)
    const late = failed(call(client, { signal: gaveUp.signal }))
    expect(await late).toMatchObject({ message: 'the person left' })
  })

  it('leaves no timer behind, and what came in time is the answer', async () => {
    const world = new World()
    const client = await world.online()
    const before = world.clock.waiting
    const sent = client.send('alice', 'hi', { timeout: 60_000 })
    await settle()
    const [frame] = world.link.of('send')
    world.link.say(['sent', frame?.[1] as never, 1, 1, 5])
    expect((await sent).state).toBe('sent')
    expect(world.clock.waiting).toBe(before)
  })

  it('takes back what was not said yet, and leaves on its way what was', async () => {
    const world = new World()
    const disk = new Disk()
    const client = world.connect({ storage: disk })
    const late = failed(client.send('alice', 'too late', { timeout: 1_000 }))
    await world.clock.pass(1_000)
    expect(await late).toBeInstanceOf(TimeoutError)
    await settle()
    expect(await client.outbox()).toEqual([])
    await world.welcomed()
    expect(world.link.of('send')).toEqual([])
    const said = failed(client.send('alice', 'said', { timeout: 1_000 }))
    await world.clock.pass(1_000)
    expect(await said).toBeInstanceOf(TimeoutError)
    expect((await client.outbox()).map(({ body, state }) => [body, state])).toEqual([['said', 'queued']])
  })
})

describe('taking back', () => {
  it('a message that waits: it is never sent, also not by the next run', async () => {
    const world = new World()
    const disk = new Disk()
    const client = world.connect({ storage: disk })
    const told: Pick<Outgoing, 'state' | 'code'>[] = []
    const [first, second] = [await client.queue('alice', 'first'), await client.queue('alice', 'second')]
    client.on('message', ({ state, code }) => told.push({ state, code }))
    const waits = failed(client.reached(first.id, 'sent'))
    expect(await client.cancel(first.id)).toBe(true)
    expect(told).toEqual([{ state: 'refused', code: 'cancelled' }])
    expect(await waits).toMatchObject({ code: 'cancelled' })
    expect([...disk.kept.keys()]).toEqual([`out:${second.id}`])
    await world.welcomed()
    expect(world.link.of('send').map(([, , , body]) => body)).toEqual(['second'])
    expect(await client.cancel(first.id)).toBe(true)
    expect(await client.cancel('nothing')).toBe(false)
  })

  it('one of an earlier run works, where that had no connection since it was queued', async () => {
    const disk = new Disk()
    const run = () => new World().connect({ storage: disk })
    const first = run()
    const { id } = await first.queue('alice', 'first')
    const { id: other } = await first.queue('alice', 'second')
    await first.close()
    const second = run()
    expect(await second.cancel(id)).toBe(true)
    await second.close()
    const third = new World()
    const client = third.connect({ storage: disk })
    await third.welcomed()
    // Not a repeat.
    expect(third.link.of('send')).toEqual([['send', other, 'alice', 'second', false]])
    await client.close()
    expect(await run().cancel(other)).toBe(false)
  })

  it('is kept to be possible until the storage has that a message may have been said', async () => {
    const disk = new Disk()
    const offline = new World().connect({ storage: disk })
    const { id } = await offline.queue('alice', 'hi')
    await offline.close()
    // A storage that dies at the welcome: nothing was said, and it can be taken back.
    const world = new World()
    world.connect({ storage: disk })
    await settle()
    disk.fails = new Error('the disk is gone')
    await world.welcomed()
    expect(world.link.of('send')).toEqual([])
    disk.fails = undefined
    const again = new World().connect({ storage: disk })
    expect(await again.cancel(id)).toBe(true)
    await again.close()
    // A number is not given twice: what comes later was not said either.
    const later = new World().connect({ storage: disk })
    const next = await later.queue('alice', 'later')
    await later.close()
    expect(await new World().connect({ storage: disk }).cancel(next.id)).toBe(true)
  })

  it('one that was said, and whose answer was lost, does not work: it may be at the server', async () => {
    const world = new World()
    const client = await world.online()
    const { id } = await client.queue('alice', 'hi')
    await settle()
    expect(await client.cancel(id)).toBe(false)
    world.link.lose()
    expect(await client.cancel(id)).toBe(false)
    await world.clock.pass(1_000)
    await world.welcomed()
    expect(world.link.of('send')).toEqual([['send', id, 'alice', 'hi', true]])
  })
})
