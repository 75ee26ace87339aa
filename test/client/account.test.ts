/** What a client asks of the server for the user: kept until it is answered. No sockets and no time. */
import { describe, expect, it } from 'vitest'
import { ClosedError, RefusedError } from '../../src/client/index.ts'
import { Disk, settle, World } from './world.ts'

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
    await settle()
    await first.close()
    expect(await blocked).toBeInstanceOf(ClosedError)
    expect(await unblocked).toBeInstanceOf(ClosedError)
    await world.online({ storage: disk })
    const [one, two] = world.link.of('set')
    expect([one?.slice(2), two?.slice(2)]).toEqual([
      ['blocked', 'eve', true],
      ['blocked', 'eve', false],
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
