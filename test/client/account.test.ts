/** What a client asks of the server for the user: kept until it is answered. No sockets and no time. */
import { describe, expect, it } from 'vitest'
import { ClosedError, RefusedError } from '../../src/client/index.ts'
import { Disk, settle, World } from './world.ts'

const range = (count: number) => Array.from({ length: count }, (_, n) => n)
const told = ['settings', 'contacts', 'everyone', true, 'eve\nmal lory', '', ''] as const
const settings = {
  lastSeen: 'contacts',
  writers: 'everyone',
  groups: 'everyone',
  receipts: true,
  blocked: ['eve', 'mal lory'],
  contacts: [],
  lifetime: 'default',
  lifetimes: new Map(),
  tags: new Map(),
}

describe('a change of the settings', () => {
  it('waits for a connection, also through a restart, and is said again until it is answered', async () => {
    const world = new World()
    const disk = new Disk()
    const first = world.connect({ storage: disk })
    const blocked = first.block('eve').catch((error: unknown) => error)
    const unblocked = first.unblock('eve').catch((error: unknown) => error)
    const other = first.unblock('mal').catch((error: unknown) => error)
    await settle()
    await first.close()
    expect(await blocked).toBeInstanceOf(ClosedError)
    expect([await unblocked, await other]).toEqual([expect.any(ClosedError), expect.any(ClosedError)])
    await world.online({ storage: disk })
    const [one, two] = world.link.of('set')
    expect([one?.slice(2), two?.slice(2)]).toEqual([
      ['blocked', 'eve', false],
      ['blocked', 'mal', false],
    ])
    world.link.say(['done', 'set', String(one?.[1]), 0])
    world.link.lose()
    await world.clock.pass(1_000)
    await world.welcomed()
    expect(world.link.of('set')).toEqual([two])
    world.link.say(['done', 'set', String(two?.[1]), 0])
    await settle()
    expect([...disk.kept.keys()]).toEqual(['cursor'])
  })

  it('resolves when the server has it, comes again after a refusal for now, and rejects after one for good', async () => {
    const world = new World()
    const client = await world.online()
    const done = client.set({ lastSeen: 'nobody', receipts: false })
    await settle()
    const [one, two] = world.link.of('set')
    expect([one?.slice(2), two?.slice(2)]).toEqual([
      ['lastSeen', 'nobody', true],
      ['receipts', false, true],
    ])
    world.link.say(['done', 'set', String(one?.[1]), 0], ['error', 'busy', 'set', String(two?.[1]), 500, ''])
    await world.clock.pass(400)
    expect(world.link.of('set')).toHaveLength(2)
    await world.clock.pass(200)
    expect(world.link.of('set').slice(2)).toEqual([two])
    world.link.say(['done', 'set', String(two?.[1]), 0])
    await done
    const full = client.addContact('ann')
    await settle()
    world.link.say(['error', 'list_full', 'set', String(world.link.of('set').at(-1)?.[1]), 0, ''])
    await expect(full).rejects.toThrow(RefusedError)
  })

  it('takes the place of an older one of the same thing that waits: what was decided while offline is said once', async () => {
    const world = new World()
    const disk = new Disk()
    const first = world.connect({ storage: disk })
    const given = (client: typeof first, n: number) => [
      client.set({ lastSeen: n % 2 ? 'nobody' : 'contacts', receipts: n > 5 }),
      client.tag('ann', { muted: n, pinned: n }),
      client.tag('ben', { muted: n }),
      n % 2 ? client.block('eve') : client.unblock('eve'),
    ]
    const ended = Promise.allSettled(range(50).flatMap((n) => given(first, n)))
    await settle()
    await first.close()
    await ended
    expect([...disk.kept.keys()].filter((key) => key.startsWith('set:'))).toHaveLength(6)
    const second = world.connect({ storage: disk })
    const done = Promise.all([...given(second, 98), ...given(second, 99)])
    await world.welcomed()
    const said = world.link.of('set')
    expect(said.map((frame) => frame.slice(2).join(' ')).sort()).toEqual([
      'blocked eve true',
      'lastSeen nobody true',
      'receipts true true',
      'tags ann muted=99',
      'tags ann pinned=99',
      'tags ben muted=99',
    ])
    for (const [, ref] of said) world.link.say(['done', 'set', ref, 0])
    await done
    expect([...disk.kept.keys()]).toEqual(['cursor'])
  })

  it('is waited for by who asked for an older one, also where that was said already', async () => {
    const world = new World()
    const client = await world.online()
    const ends: string[] = []
    const noted = (name: string, work: Promise<void>) =>
      work.then(
        () => ends.push(`${name} done`),
        ({ code }) => ends.push(`${name} ${code}`),
      )
    const both = [noted('older', client.block('eve')), noted('newer', client.unblock('eve'))]
    await settle()
    const [older, newer] = world.link.of('set')
    world.link.say(['error', 'list_full', 'set', String(older?.[1]), 0, ''])
    await settle()
    expect(ends).toEqual([])
    world.link.say(['done', 'set', String(newer?.[1]), 0])
    await Promise.all(both)
    expect(ends).toEqual(['older done', 'newer done'])
  })

  it('keeps within the rate of the server, however many there are', async () => {
    const world = new World()
    const client = await world.online({}, { limits: { framesPerSecond: 100 } })
    for (let n = 0; n < 100; n++) void client.addContact(`user ${n}`).catch(() => {})
    await settle()
    expect(world.link.of('set').length).toBeLessThanOrEqual(95)
    await world.clock.pass(1_000)
    expect(world.link.of('set').map((frame) => frame[3])).toEqual(Array.from({ length: 100 }, (_, n) => `user ${n}`))
    await client.close()
  })
})

describe('the settings', () => {
  it('are asked for when the program wants them, and from then on after each welcome', async () => {
    const world = new World()
    const client = await world.online()
    expect(world.link.of('ask')).toEqual([])
    const events: unknown[] = []
    client.on('settings', (event) => events.push(event))
    const both = Promise.all([client.settings(), client.settings()])
    await settle()
    expect(world.link.of('ask')).toEqual([['ask', 'settings']])
    world.link.say([...told], ['done', 'ask', 'settings', 0])
    expect(await both).toEqual([settings, settings])
    world.link.say(['settings', 'nobody', 'everyone', true, '', '', 'ann\tpermanent\nben\tread 5000'])
    expect(await client.settings()).toEqual({
      ...settings,
      lastSeen: 'nobody',
      blocked: [],
      lifetime: 'default',
      lifetimes: new Map([
        ['ann', 'permanent'],
        ['ben', 'read 5000'],
      ]),
    })
    world.link.lose()
    await world.clock.pass(1_000)
    await world.welcomed()
    expect(world.link.of('ask')).toEqual([['ask', 'settings']])
    expect(events).toHaveLength(2)
  })

  it('have the tags of each chat, one change for each word, and none of what is not given', async () => {
    const world = new World()
    const client = await world.online()
    const settings = client.settings()
    await settle()
    const tags = 'ann\tmuted=Infinity\tname=Ann = my aunt\n#team\tarchived=0\tpinned=9'
    world.link.say(
      ['settings', 'everyone', 'everyone', true, '', '', '', 'everyone', tags],
      ['done', 'ask', 'settings', 0],
    )
    expect((await settings).tags).toEqual(
      new Map<string, object>([
        ['ann', { muted: Number.POSITIVE_INFINITY, name: 'Ann = my aunt' }],
        ['#team', { archived: 0, pinned: 9 }],
      ]),
    )
    const done = client.tag('ann', {
      muted: Number.POSITIVE_INFINITY,
      pinned: null,
      archived: undefined,
      colour: 'red',
    })
    await settle()
    const said = world.link.of('set')
    expect(said.map(([, , ...change]) => change)).toEqual([
      ['tags', 'ann', 'muted=Infinity'],
      ['tags', 'ann', 'pinned='],
      ['tags', 'ann', 'colour=red'],
    ])
    world.link.say(...said.map(([, ref]) => ['done', 'set', ref, 0] as const))
    await done
  })
})
