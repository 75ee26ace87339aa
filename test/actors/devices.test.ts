/** Several devices of one user: what one reads is read on all; one is removed; one was away for too long. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { awayReader, unwelcomed } from '../../actors/log/state.ts'
import type { Presented } from '../../actors/log/types.ts'
import { refusal, withRemoval } from '../../actors/removals.ts'
import { openSettings } from '../../actors/settings.ts'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { UserMessage } from '../../actors/user/messages.ts'
import { packUser, unpackUser } from '../../actors/user/record.ts'
import { rest, startUser } from '../../actors/user/state.ts'
import { receive } from '../../actors/user/user.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { DeviceId, UserId } from '../../src/protocol/ids.ts'
import type { DeviceCursor } from '../../src/store/contract.ts'
import { limits as smallLimits } from './limits.ts'
import { asked } from './turns.ts'

const user = (name: string) => name as UserId
const away = 10_000
const limits = { ...smallLimits, devices: 3, windowEntries: 10, inboxEntries: 100, listed: 2, deviceAwayMs: away }
const cursor = (device: string, seq: number, seenAt: number): DeviceCursor => ({
  device: device as DeviceId,
  seq,
  seenAt,
})
const mail = (seq: number): Entry =>
  ({ is: 'message', seq, time: 1, id: `id-${seq}`, from: 'ann', body: 'hi' }) as unknown as Entry

/** Bob's actor, whose inbox holds entries 3 to 6. */
function actor(cursors: DeviceCursor[], start = 100_000) {
  const record = { epoch: 7, head: 3, tail: 6, lastTime: 1, cursors, settled: 6, waiting: null, lives: [], was: 0 }
  const state = startUser(user('bob'), record, 7)
  let now = start
  const tell = (message: UserMessage): readonly UserEffect[] => asked(receive, state, message, { now, limits })
  const attach = (session: number, device: string, at: Presented | null = null) => {
    const comes = tell({ is: 'attach', session, device: device as DeviceId, cursor: at })
    // What has to be saved before it is told from where it begins.
    const waits = comes.some((effect) => effect.do === 'save') && comes.every((effect) => effect.do !== 'welcome')
    const effects = waits ? [...comes, ...tell({ is: 'saved', ok: true })] : comes
    const fetch = effects.find((effect) => effect.do === 'fetch')
    if (!fetch) return effects
    const entries = [3, 4, 5, 6].filter((seq) => seq >= fetch.from).map(mail)
    return [...effects, ...tell({ is: 'page', reader: session, from: fetch.from, entries })]
  }
  const pass = (ms: number) => {
    now += ms
  }
  /** What came is written: also what may be known, of which the latest entries say nothing. */
  const write = () => {
    const effects = tell({ is: 'timer', timer: 'receipts' })
    const scan = effects.find((effect) => effect.do === 'scan')
    if (!scan) return effects
    return [...effects, ...tell({ is: 'scanned', what: scan.what, from: scan.from, entries: [3, 4, 5, 6].map(mail) })]
  }
  const remove = (session: number, device: string) => [
    ...tell({ is: 'remove', session, device: device as DeviceId }),
    ...tell({ is: 'settingsSaved', ok: true }),
  ]
  const comes = (session: number, device: string, issuedAt: number) =>
    of(tell({ is: 'attach', session, device: device as DeviceId, cursor: null, issuedAt }), 'close', 'fetch', 'welcome')
  return { state, tell, attach, pass, write, remove, comes }
}
const fresh = [cursor('phone', 6, 99_000), cursor('laptop', 6, 99_000)]
const welcome = (effects: readonly UserEffect[]) => effects.find((effect) => effect.do === 'welcome')
const of = (effects: readonly UserEffect[], ...kinds: string[]) => effects.filter((effect) => kinds.includes(effect.do))

describe('what one device reads', () => {
  it('is told to the others at once and as an entry; the one that read is done when that and the receipt are durable', () => {
    for (const receiptFirst of [true, false]) {
      const { state, tell, attach, write } = actor(fresh)
      attach(1, 'phone')
      attach(2, 'laptop')
      tell({ is: 'read', session: 1, chat: user('ann'), seq: 4 })
      const news = tell({ is: 'checked', session: 1, chat: user('ann'), seq: 4, at: 4 })
      expect(of(news, 'seen', 'tell')).toMatchObject([
        { session: 2, chat: 'ann', upTo: 4 },
        { user: 'ann', message: { is: 'receipt', read: 4 } },
      ])
      const receipted: UserMessage = { is: 'receipted', peer: user('ann'), delivered: 6, read: 4 }
      const steps = [
        () => tell(receipted),
        () => {
          expect(of(write(), 'append')).toMatchObject([{ entries: [{ is: 'seen', seq: 7, chat: 'ann', upTo: 4 }] }])
          return tell({ is: 'appended', first: 7, last: 7 })
        },
      ]
      const [first, second] = receiptFirst ? steps : steps.reverse()
      expect(of(first?.() ?? [], 'done')).toEqual([])
      expect(of(second?.() ?? [], 'done')).toEqual([{ do: 'done', session: 1, chat: 'ann', seq: 4 }])
      expect(state.work?.reads).toBeNull()
    }
  })

  it('is one entry per chat for many reads, and another for one that came while it was written', () => {
    const { tell, attach, write } = actor(fresh)
    attach(1, 'phone')
    attach(2, 'laptop')
    const read = (seq: number) => tell({ is: 'checked', session: 1, chat: user('ann'), seq, at: seq })
    for (const seq of [3, 5, 4]) read(seq)
    expect(of(write(), 'append')).toMatchObject([{ entries: [{ upTo: 5 }] }])
    read(6)
    tell({ is: 'receipted', peer: user('ann'), delivered: 6, read: 6 })
    expect(
      of(tell({ is: 'appended', first: 7, last: 7 }), 'done').map((effect) => 'seq' in effect && effect.seq),
    ).toEqual([3, 5, 4])
    expect(of(write(), 'append')).toMatchObject([{ entries: [{ upTo: 6 }] }])
    expect(of(tell({ is: 'appended', first: 8, last: 8 }), 'done')).toMatchObject([{ seq: 6 }])
  })

  const alone = [
    [cursor('phone', 6, 99_000)],
    [cursor('phone', 6, 99_000), cursor('old', 6, 100_000 - away - 1), cursor('lost', 6, 0)],
  ]
  it('costs no entry where there is no other device, and is saved with the cursors', () => {
    for (const cursors of alone) {
      const { state, tell, attach } = actor(cursors)
      expect(welcome(attach(1, 'phone'))).toMatchObject({ siblings: false })
      tell({ is: 'checked', session: 1, chat: user('ann'), seq: 4, at: 4 })
      expect(of(tell({ is: 'receipted', peer: user('ann'), delivered: 6, read: 4 }), 'done')).toHaveLength(1)
      expect(of(tell({ is: 'timer', timer: 'receipts' }), 'append')).toEqual([])
      const saved = () => of(tell({ is: 'timer', timer: 'save' }), 'save', 'append')
      expect(saved()).toMatchObject([{ do: 'save', reads: new Map([['ann', 4]]) }])
      tell({ is: 'checked', session: 1, chat: user('ben'), seq: 5, at: 5 })
      // The save has failed: it goes with the next one, and so does what was read since, by an actor that has slept meanwhile, too.
      tell({ is: 'saved', ok: false })
      tell({ is: 'checked', session: 1, chat: user('ann'), seq: 3, at: 3 })
      expect(unpackUser(user('bob'), packUser(state)).alone).toEqual(state.alone)
      const [again] = saved()
      expect(again).toMatchObject({
        reads: new Map([
          ['ben', 5],
          ['ann', 4],
        ]),
      })
      tell({ is: 'saved', ok: true })
      tell({ is: 'detach', session: 1 })
      expect(saved()).toMatchObject([{ do: 'save' }])
      expect(saved()).toEqual([])
    }
  })

  const reads = (...of: [string, number][]) => new Map(of.map(([chat, seq]) => [user(chat), seq]))
  const entriesOf = (effects: readonly UserEffect[]) =>
    effects.flatMap((effect) => (effect.do === 'append' ? effect.entries : []))
  it('is told to a device that is new or comes back after long: what is saved, being saved, and not saved yet', () => {
    for (const [cursors = [], name] of [
      [alone[0], 'laptop'],
      [alone[1], 'old'],
      [alone[1], 'lost'],
      // It was saved, and a crash came before it was told.
      [[cursor('phone', 6, 99_000), cursor('tablet', 0, unwelcomed)], 'tablet'],
    ] as const) {
      const { state, tell, attach } = actor([...cursors])
      attach(1, 'phone')
      const read = (chat: string, seq: number) => tell({ is: 'checked', session: 1, chat: user(chat), seq, at: seq })
      read('ann', 4)
      tell({ is: 'timer', timer: 'save' })
      read('ben', 5)
      expect(of(attach(2, name), 'reads')).toEqual([{ do: 'reads' }])
      expect(of(attach(3, name), 'reads')).toEqual([])
      // The store did not answer: it is asked again.
      expect(entriesOf(tell({ is: 'reads', reads: null }))).toEqual([])
      expect(rest(state)).toBe('busy')
      expect(of(tell({ is: 'timer', timer: 'retell' }), 'reads')).toHaveLength(1)
      const written = entriesOf(tell({ is: 'reads', reads: reads(['ann', 3], ['gus', 6], ['ida', 2]) }))
      // Of ida nothing is left: the inbox begins with entry 3.
      expect(written).toMatchObject([
        { is: 'seen', seq: 7, chat: 'ann', upTo: 4 },
        { is: 'seen', seq: 8, chat: 'gus', upTo: 6 },
        { is: 'seen', seq: 9, chat: 'ben', upTo: 5 },
      ])
      expect(state.alone).toBeNull()
      expect(entriesOf(tell({ is: 'reads', reads: reads(['ann', 3]) }))).toEqual([])
      expect(of(tell({ is: 'timer', timer: 'retell' }), 'reads')).toEqual([])
    }
  })

  it('while a device comes is told to it, whichever the actor hears first', () => {
    const { tell, attach, write } = actor([cursor('phone', 6, 99_000)])
    attach(1, 'phone')
    const checked: UserMessage = { is: 'checked', session: 1, chat: user('ann'), seq: 4, at: 4 }
    tell({ is: 'read', session: 1, chat: user('ann'), seq: 4 })
    attach(2, 'laptop')
    tell(checked)
    expect(entriesOf(tell({ is: 'reads', reads: reads(['ann', 3]) }))).toMatchObject([{ chat: 'ann', upTo: 3 }])
    tell({ is: 'appended', first: 7, last: 7 })
    expect(entriesOf(write())).toMatchObject([{ is: 'seen', chat: 'ann', upTo: 4 }])
  })

  it('is not looked up for a device that is known, nor where nothing ever came', () => {
    const { attach } = actor(fresh)
    expect(of(attach(1, 'phone'), 'reads')).toEqual([])
    const state = startUser(user('new'), undefined, 7)
    const effects = asked(
      receive,
      state,
      { is: 'attach', session: 1, device: 'phone' as DeviceId, cursor: null },
      { now: 1, limits },
    )
    expect(of(effects, 'reads')).toEqual([])
  })
})

describe('a device that is removed', () => {
  it('is closed at once, gone once that is durable, and told so when it comes back', () => {
    const { remove, tell, attach } = actor(fresh)
    attach(1, 'phone')
    attach(2, 'laptop')
    expect(of(remove(1, 'laptop'), 'saveSettings', 'close', 'save', 'confirm', 'settings')).toEqual([
      { do: 'saveSettings', settings: { ...openSettings, removals: [{ device: 'laptop', at: 100_000 }] } },
      { do: 'close', session: 2, code: 'removed' },
      {
        do: 'save',
        epoch: 7,
        settled: 6,
        cursors: [cursor('phone', 6, 100_000), cursor('laptop', 6, 0)],
      },
    ])
    expect(tell({ is: 'detach', session: 2 })).toEqual([])
    expect(of(tell({ is: 'saved', ok: false }), 'confirm')).toEqual([])
    expect(of(tell({ is: 'timer', timer: 'save' }), 'save')).toHaveLength(1)
    expect(of(tell({ is: 'saved', ok: true }), 'confirm')).toEqual([
      { do: 'confirm', session: 1, kind: 'remove', ref: 'laptop', seq: 0 },
    ])
    expect(of(tell({ is: 'ask', session: 1, what: 'devices' }), 'device', 'confirm')).toEqual([
      { do: 'device', session: 1, device: 'phone', connected: true, lastSeen: 100_000 },
      { do: 'confirm', session: 1, kind: 'ask', ref: 'devices', seq: 1 },
    ])
    const again = attach(3, 'laptop', { epoch: 7, seq: 5 })
    expect(welcome(again)).toMatchObject({ why: 'removed', seq: 5, siblings: true })
    expect(of(again, 'siblings')).toEqual([{ do: 'siblings', session: 1 }])
  })

  it('must be one of the user, and not be gone already', () => {
    const { tell, attach } = actor([...fresh, cursor('lost', 6, 0)])
    attach(1, 'phone')
    for (const device of ['tablet', 'lost'])
      expect(tell({ is: 'remove', session: 1, device: device as DeviceId })).toEqual([
        { do: 'refuse', session: 1, kind: 'remove', ref: device, code: 'unknown_device' },
      ])
  })

  it('leaves delivered what it had acknowledged', () => {
    const { state, remove, attach } = actor([cursor('phone', 3, 99_000), cursor('laptop', 6, 99_000)])
    attach(1, 'phone')
    remove(1, 'laptop')
    expect(Math.max(...state.log.readers.map(({ acked }) => acked))).toBe(6)
  })
})

describe('a device that was removed', () => {
  const removed = (session: number) => [{ do: 'close', session, code: 'removed' }]
  const strange = (session: number) => [{ do: 'close', session, code: 'bad_token' }]

  it('comes back by a token that was made later, and by no other, also after it came back', () => {
    const { attach, remove, comes, tell } = actor(fresh)
    attach(1, 'phone')
    remove(1, 'laptop')
    for (const issuedAt of [0, 99_999, 100_000]) expect(comes(2, 'laptop', issuedAt)).toEqual(removed(2))
    expect(comes(3, 'laptop', 100_001)).toEqual([])
    // First that of the removal, and then that it is to get everything again.
    expect(of(tell({ is: 'saved', ok: true }), 'save')).toMatchObject([{ cursors: [{}, { device: 'laptop', seq: 2 }] }])
    expect(of(tell({ is: 'saved', ok: true }), 'fetch')).toMatchObject([{ reader: 3 }])
    expect(comes(4, 'laptop', 99_000)).toEqual(removed(4))
    expect(comes(5, 'phone', 99_000)).toContainEqual({ do: 'close', session: 1, code: 'replaced' })
    expect(of(tell({ is: 'attach', session: 6, device: 'laptop' as DeviceId, cursor: null }), 'close')).toEqual([
      { do: 'close', session: 3, code: 'replaced' },
    ])
  })

  it('does not come back under another name, where its token names none', () => {
    const { attach, remove, comes } = actor(fresh)
    attach(1, 'phone')
    remove(1, 'laptop')
    expect(comes(2, 'burner', 99_000)).toEqual(strange(2))
    expect(comes(3, 'tablet', 100_001)).not.toEqual(strange(3))
  })

  it('stays out also after many others were removed, and who was never removed stays in', () => {
    const { state, attach, remove, comes, pass } = actor(fresh)
    attach(1, 'phone')
    remove(1, 'laptop')
    for (let n = 1; n <= 17; n++) {
      pass(10)
      attach(2, `old ${n}`)
      remove(1, `old ${n}`)
    }
    expect(state.settings.removals?.some(({ device }) => device === 'laptop')).toBe(false)
    expect(comes(3, 'laptop', 100_000)).toEqual(strange(3))
    // Also where nothing needed its place in the list of devices.
    state.log.readers = [...state.log.readers.slice(0, 1), awayReader('laptop' as DeviceId, 6, 0)]
    expect(comes(4, 'laptop', 100_000)).toEqual(strange(4))
    expect(comes(5, 'phone', 99_000)).toMatchObject([{ do: 'close', session: 1, code: 'replaced' }, { do: 'welcome' }])
  })

  it('is not removed where that is not kept: it is to be asked again', () => {
    const { attach, tell, comes } = actor(fresh)
    attach(1, 'phone')
    attach(2, 'laptop')
    expect(of(tell({ is: 'remove', session: 1, device: 'laptop' as DeviceId }), 'close')).toEqual([])
    expect(tell({ is: 'settingsSaved', ok: false })).toEqual([
      { do: 'refuse', session: 1, kind: 'remove', ref: 'laptop', code: 'busy' },
    ])
    expect(comes(3, 'laptop', 0)).not.toEqual(removed(3))
  })

  it('is remembered among 16; by the tokens of those before them none comes that the user has not', () => {
    let settings = openSettings
    for (let n = 1; n <= 20; n++) settings = withRemoval(settings, `device ${n}` as DeviceId, n * 1_000)
    settings = withRemoval(settings, 'device 20' as DeviceId, 1)
    expect(settings.removals).toHaveLength(16)
    expect(settings.removals?.[0]).toEqual({ device: 'device 5', at: 5_000 })
    expect(settings.removals?.at(-1)).toEqual({ device: 'device 20', at: 20_000 })
    const why = (device: string, known: boolean, issuedAt: number) =>
      refusal(settings, device as DeviceId, known, issuedAt) ?? 'in'
    expect([why('device 6', true, 6_000), why('device 6', true, 6_001)]).toEqual(['removed', 'in'])
    expect(why('never removed', true, 0)).toBe('in')
    expect([why('device 1', false, 500), why('device 1', false, 20_000)]).toEqual(['bad_token', 'bad_token'])
    expect([why('new', false, 20_000), why('new', false, 20_001)]).toEqual(['bad_token', 'in'])
    expect(refusal(openSettings, 'new' as DeviceId, false, 0)).toBeUndefined()
  })
})

describe('a device that comes', () => {
  it('is told why it does not simply go on, and gets everything that is held after what it has', () => {
    const cursors = fc.option(fc.record({ epoch: fc.constantFrom(7, 8), seq: fc.integer({ min: 0, max: 8 }) }))
    fc.assert(
      fc.property(cursors, fc.constantFrom(0, 100_000 - away - 1, 99_000), (at, seenAt) => {
        const { attach } = actor([cursor('phone', 4, seenAt)])
        const effects = attach(1, 'phone', at)
        const ours = at?.epoch === 7 && at.seq <= 6
        const valid = !at || at.seq === 0 || ours
        const start = at ? at.seq : 4
        const gone = seenAt === 0 ? 'removed' : seenAt < 99_000 ? 'expired' : start < 2 ? 'trimmed' : null
        const why = valid ? gone : 'reset'
        const from = why === null ? start : Math.max(ours ? at.seq : 0, 2)
        expect(welcome(effects)).toMatchObject({ why, seq: from })
        expect(effects.flatMap((effect) => (effect.do === 'push' ? effect.entries.map(({ seq }) => seq) : []))).toEqual(
          [3, 4, 5, 6].filter((seq) => seq > from),
        )
      }),
    )
  })

  it('is told that it may have missed something where it has been welcomed, and nobody knows it any more', () => {
    const cursors: readonly [Presented | null, string | null][] = [
      [{ epoch: 7, seq: 4 }, 'expired'],
      [{ epoch: 7, seq: 2, seen: 4 }, 'expired'],
      [{ epoch: 7, seq: 0 }, 'expired'],
      [null, 'trimmed'],
    ]
    for (const [at, why] of cursors) {
      const { tell, attach } = actor([cursor('laptop', 6, 99_000)])
      // Its link is lost before it is told so: that is no welcome.
      tell({ is: 'attach', session: 1, device: 'phone' as DeviceId, cursor: at })
      tell({ is: 'detach', session: 1 })
      const effects = attach(2, 'phone', at)
      expect(welcome(effects)).toMatchObject({ why })
      expect(of(effects, 'save')).toMatchObject([
        { cursors: [{ device: 'laptop' }, { device: 'phone', seenAt: 100_000 }] },
      ])
      expect(welcome(attach(3, 'phone', { epoch: 7, seq: 6 }))).toMatchObject({ why: null })
    }
  })

  it('is told that it was gone until it has been welcomed, whatever becomes of its session and of the actor before that', () => {
    for (const [seenAt, why] of [
      [0, 'removed'],
      [1_000, 'expired'],
    ] as const) {
      const { tell, attach } = actor([cursor('phone', 4, seenAt), cursor('laptop', 6, 99_000)])
      const comes = (session: number, at: Presented | null) =>
        tell({ is: 'attach', session, device: 'phone' as DeviceId, cursor: at })
      const saved = () => {
        tell({ is: 'saved', ok: true })
        const [save] = of(tell({ is: 'timer', timer: 'save' }), 'save')
        return save?.do === 'save' ? save.cursors[0] : undefined
      }
      // Its link is lost, and comes again, while the first page is read; all that is saved meanwhile is what it has.
      expect(of(comes(1, { epoch: 7, seq: 4 }), 'welcome', 'fetch')).toMatchObject([{ do: 'fetch' }])
      attach(2, 'laptop', { epoch: 7, seq: 6 })
      tell({ is: 'detach', session: 2 })
      expect(saved()).toEqual(cursor('phone', 4, seenAt))
      comes(3, { epoch: 7, seq: 4 })
      tell({ is: 'detach', session: 3 })
      expect(saved()).toEqual(cursor('phone', 4, seenAt))
      expect(welcome(attach(4, 'phone', { epoch: 7, seq: 4 }))).toMatchObject({ why })
      expect(saved()).toEqual(cursor('phone', 4, 100_000))
      expect(welcome(attach(5, 'phone', { epoch: 7, seq: 4 }))).toMatchObject({ why: null })
    }
  })

  it('was never away while it was connected, however long, and is saved as such', () => {
    const { tell, attach, pass } = actor(fresh)
    attach(1, 'phone')
    attach(2, 'laptop')
    pass(away * 3)
    const listed = of(tell({ is: 'ask', session: 1, what: 'devices' }), 'device')
    expect(listed).toHaveLength(2)
    tell({ is: 'detach', session: 2 })
    const [save] = of(tell({ is: 'timer', timer: 'save' }), 'save')
    const now = 100_000 + away * 3
    expect(save).toMatchObject({ cursors: [cursor('phone', 6, now), cursor('laptop', 6, now)] })
  })

  it('takes the place of one that is gone before that of any other', () => {
    const { state, attach } = actor([...fresh, cursor('lost', 6, 0)])
    attach(1, 'tablet')
    expect(state.log.readers.map(({ device }) => device)).toEqual(['phone', 'laptop', 'tablet'])
  })
})
