/** Settings: what they are after any changes, when they count, and what follows from them. No store, no sockets. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { receive as presence, startPresence } from '../../actors/presence.ts'
import { changed, openSettings, stance, turnsAway } from '../../actors/settings.ts'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { UserMessage } from '../../actors/user/messages.ts'
import { startUser } from '../../actors/user/state.ts'
import { receive } from '../../actors/user/user.ts'
import type { DeviceId, MessageId, UserId } from '../../src/protocol/ids.ts'
import { type Setting, type Settings, tagsLength } from '../../src/protocol/settings.ts'
import { limits as smallLimits } from './limits.ts'
import { asked } from './turns.ts'

const user = (name: string) => name as UserId
const limits = { ...smallLimits, devices: 3, windowEntries: 10, inboxEntries: 100, listed: 2, deviceAwayMs: 10_000 }

const anyUser = fc.constantFrom('ann', 'ben', 'cat')
const audience = fc.constantFrom('everyone', 'contacts', 'nobody')
const setting = fc.oneof(
  fc.tuple(fc.constantFrom('lastSeen', 'writers'), audience, fc.constant(true)),
  fc.tuple(fc.constant('receipts'), fc.boolean(), fc.constant(true)),
  fc.tuple(fc.constantFrom('blocked', 'contacts'), anyUser, fc.boolean()),
  fc.tuple(fc.constant('tags'), anyUser, fc.constantFrom('muted=1', 'muted=2', 'pinned=3', 'muted=', 'pinned=', 'a=')),
) as fc.Arbitrary<Setting>

const after = (settings: Settings, changes: readonly Setting[]): Settings =>
  changes.reduce((now, change) => changed(now, change, limits.listed) ?? now, settings)

describe('settings', () => {
  it('are the last choice of each name, and lists without repeats that never grow beyond their limit', () => {
    fc.assert(
      fc.property(fc.array(setting), (changes) => {
        const settings = after(openSettings, changes)
        const last = (name: string) => changes.findLast((change) => change[0] === name)?.[1]
        expect(settings.lastSeen).toBe(last('lastSeen') ?? 'everyone')
        expect(settings.receipts).toBe(last('receipts') ?? true)
        for (const list of [settings.blocked, settings.contacts]) {
          expect(new Set(list).size).toBe(list.length)
          expect(list.length).toBeLessThanOrEqual(limits.listed)
        }
        const { tags = [] } = settings
        expect(new Set(tags.map(({ chat }) => chat)).size).toBe(tags.length)
        expect(tags.length).toBeLessThanOrEqual(limits.listed)
        expect('tags' in settings, 'nothing is kept of none').toBe(tags.length > 0)
        for (const change of changes.slice(-1)) expect(after(settings, [change]), 'twice is once').toEqual(settings)
      }),
    )
  })

  it('have the last tag of each word of each chat, within their bounds', () => {
    const tagged = (...changes: [chat: string, tag: string][]) =>
      after(
        openSettings,
        changes.map(([chat, tag]) => ['tags', user(chat), tag]),
      ).tags
    expect(tagged(['ann', 'muted=1'], ['#team', 'pinned=2'], ['ann', 'pinned=3'], ['ann', 'muted=4'])).toEqual([
      { chat: '#team', tags: 'pinned=2' },
      { chat: 'ann', tags: 'pinned=3\tmuted=4' },
    ])
    expect(tagged(['ann', 'muted=1'], ['ann', 'pinned=1'], ['ann', 'muted='])).toEqual([
      { chat: 'ann', tags: 'pinned=1' },
    ])
    expect(tagged(['ann', 'muted=1'], ['ann', 'muted='], ['ben', 'muted='])).toBeUndefined()
    const long = ['a', 'b', 'c'].map((word): [string, string] => ['ann', `${word}=${'x'.repeat(64)}`])
    const full = { ...openSettings, tags: tagged(...long, ['ben', 'a=1']) ?? [] }
    expect(full.tags[0]?.tags).toHaveLength(tagsLength)
    expect(changed(full, ['tags', user('ann'), 'd=1'], 2), 'too long').toBeUndefined()
    expect(changed(full, ['tags', user('cat'), 'a=1'], 2), 'a third chat').toBeUndefined()
    expect(changed(full, ['tags', user('ben'), 'a=2'], 2)?.tags).toContainEqual({ chat: 'ben', tags: 'a=2' })
  })

  it('say who may write and what others see', () => {
    const friends: Settings = { ...openSettings, lastSeen: 'contacts', writers: 'contacts', contacts: [user('ann')] }
    expect([turnsAway(friends, user('ann')), turnsAway(friends, user('ben'))]).toEqual([undefined, 'not_taken'])
    expect([stance(friends, user('ann')), stance(friends, user('ben'))]).toEqual(['open', 'hidden'])
    const closed: Settings = { ...friends, lastSeen: 'nobody', writers: 'nobody', blocked: [user('ben')] }
    expect([turnsAway(closed, user('ann')), turnsAway(closed, user('ben'))]).toEqual(['not_taken', 'blocked'])
    expect([stance(closed, user('ann')), stance(closed, user('ben'))]).toEqual(['hidden', 'blocked'])
  })
})

/** A user actor, and what it asks for. */
function actor(settings?: Settings) {
  const state = startUser(user('bob'), undefined, 7, settings)
  const tell = (message: UserMessage, own = limits): readonly UserEffect[] =>
    asked(receive, state, message, { now: 1_000, limits: own })
  const set = (ref: string, ...setting: Setting) => tell({ is: 'set', session: 1, ref, setting })
  const send = (from: string, own = limits) =>
    tell(
      {
        is: 'deliver',
        origin: { is: 'session', ref: 1 },
        step: { nth: 1, round: 1 },
        from: user(from),
        id: '00000000-0000-7000-8000-000000000001' as MessageId,
        body: 'hi',
        again: false,
        ticket: 5,
      },
      own,
    )
  tell({ is: 'attach', session: 1, device: 'phone' as DeviceId, cursor: null })
  return { state, tell, set, send }
}
const confirm = (ref: string): UserEffect => ({ do: 'confirm', session: 1, kind: 'set', ref, seq: 0 })

describe('a user actor', () => {
  it('counts a change once it is durable, tells every device, and writes together what came meanwhile', () => {
    const { state, tell, set, send } = actor()
    tell({ is: 'attach', session: 2, device: 'laptop' as DeviceId, cursor: null })
    const one = { ...openSettings, blocked: [user('eve')] }
    expect(set('1', 'blocked', 'eve', true)).toEqual([{ do: 'saveSettings', settings: one }])
    expect(set('2', 'receipts', false, true)).toEqual([])
    expect(set('3', 'contacts', 'ann', true)).toEqual([])
    expect(state.settings).toBe(openSettings)
    const two = { ...one, receipts: false, contacts: [user('ann')] }
    expect(tell({ is: 'settingsSaved', ok: true })).toEqual([
      { do: 'settingsChanged', settings: one },
      { do: 'settings', session: 1, settings: one },
      { do: 'settings', session: 2, settings: one },
      confirm('1'),
      { do: 'saveSettings', settings: two },
    ])
    expect(tell({ is: 'settingsSaved', ok: true }).slice(-2)).toEqual([confirm('2'), confirm('3')])
    expect(state.settings).toEqual(two)
    expect(state.work?.changes).toBeNull()
    expect(send('eve')).toEqual([{ do: 'answer', ticket: 5, answer: { is: 'refused', code: 'blocked' } }])
  })

  it('refuses what the store did not take, and counts it when it comes again', () => {
    const { state, tell, set } = actor()
    set('1', 'writers', 'nobody', true)
    expect(tell({ is: 'settingsSaved', ok: false })).toEqual([
      { do: 'refuse', session: 1, kind: 'set', ref: '1', code: 'busy' },
    ])
    expect(state.settings).toBe(openSettings)
    expect(set('1', 'writers', 'nobody', true)).toHaveLength(1)
    tell({ is: 'settingsSaved', ok: true })
    expect(state.settings.writers).toBe('nobody')
  })

  it('is done at once with what changes nothing, and refuses one user too many', () => {
    const { set } = actor({ ...openSettings, blocked: [user('ann'), user('ben')] })
    expect(set('1', 'blocked', 'ann', true)).toEqual([confirm('1')])
    expect(set('2', 'blocked', 'cat', true)).toEqual([
      { do: 'refuse', session: 1, kind: 'set', ref: '2', code: 'list_full' },
    ])
  })

  it('answers a blocked sender as if it took the message where it swallows, takes nothing, and gives a place that no receipt reaches', () => {
    const { state, send } = actor({ ...openSettings, blocked: [user('eve')] })
    expect(send('eve', { ...limits, swallows: true })).toEqual([
      {
        do: 'answer',
        ticket: 5,
        answer: { is: 'accepted', at: { epoch: 7, seq: Number.MAX_SAFE_INTEGER }, time: 1_000 },
      },
    ])
    expect(state.log.work?.pending).toEqual([])
    expect(send('ann')).toMatchObject([{ do: 'append' }])
  })

  it('says of what it swallows how long it stays, as of what it takes: the sender keeps it as long', () => {
    const lifetimes = [{ chat: user('eve'), lifetime: 'permanent', time: 500, id: 'x' as MessageId }] as const
    const { send } = actor({ ...openSettings, blocked: [user('eve')], lifetimes })
    expect(send('eve', { ...limits, swallows: true })).toMatchObject([{ answer: { lifetime: 'permanent' } }])
  })

  it('takes its own messages whoever may write', () => {
    expect(actor({ ...openSettings, writers: 'nobody' }).send('bob')).toMatchObject([{ do: 'append' }])
    expect(actor({ ...openSettings, writers: 'nobody' }).send('ann')).toMatchObject([
      { do: 'answer', answer: { is: 'refused', code: 'not_taken' } },
    ])
  })

  it('is told of delivery but not of reading without receipts, and confirms both, so that nobody tells them again', () => {
    const { tell } = actor({ ...openSettings, receipts: false })
    expect(tell({ is: 'receipt', from: user('ann'), epoch: 3, delivered: 4, read: 5, again: false })).toMatchObject([
      { do: 'earlyReceipt', session: 1, delivered: 5, read: 0 },
      { do: 'receipted', delivered: 5, read: 0 },
      { do: 'after' },
    ])
    const [append] = tell({ is: 'timer', timer: 'receipts' })
    expect(append).toMatchObject({ do: 'append', entries: [{ is: 'receipt', delivered: 5, read: 0 }] })
    expect(tell({ is: 'appended', first: 1, last: 1 })).toContainEqual({
      do: 'tell',
      user: 'ann',
      message: { is: 'receipted', peer: 'bob', delivered: 5, read: 5 },
    })
  })

  it('tells nobody of reading without receipts, and is done with it', () => {
    const { tell, send } = actor({ ...openSettings, receipts: false })
    tell({ is: 'page', reader: 1, from: 1, entries: [] })
    send('ann')
    tell({ is: 'appended', first: 1, last: 1 })
    expect(
      tell({ is: 'read', session: 1, chat: user('ann'), seq: 1 }).filter((effect) => effect.do !== 'after'),
    ).toEqual([
      { do: 'ticked', delivered: 0, read: 1 },
      { do: 'done', session: 1, chat: 'ann', seq: 1 },
    ])
  })
})

describe('presence', () => {
  const notices = (settings: Settings, own: Settings) => {
    const times = { now: 1_000, monotonic: 1_000 }
    const state = startPresence(user('bob'), 500, [{ session: 1, activeAt: 0, away: false }], times, settings)
    const tell = (message: Parameters<typeof presence>[1]) =>
      asked(presence, state, message, { ...times, limits: { threshold: 0 } }).filter((effect) => effect.do === 'notify')
    const watcher = { session: 2, user: user('ann'), stance: stance(own, user('bob')) }
    return { first: tell({ is: 'watch', watcher }), tell }
  }
  const shown = { do: 'notify', watcher: 2, online: true, lastSeen: null }
  const hidden = { do: 'notify', watcher: 2, online: false, lastSeen: null }

  it('shows two users to each other or neither', () => {
    fc.assert(
      fc.property(fc.array(setting), fc.array(setting), (theirs, own) => {
        const [bob, ann] = [after(openSettings, theirs), after(openSettings, own)]
        const both = stance(bob, user('ann')) === 'open' && stance(ann, user('bob')) === 'open'
        expect(notices(bob, ann).first.at(-1)).toEqual(both ? shown : hidden)
      }),
    )
  })

  it('tells at once who sees more, or less, after a change, and nobody else', () => {
    const { tell } = notices(openSettings, openSettings)
    const nobody: Settings = { ...openSettings, lastSeen: 'nobody' }
    expect(tell({ is: 'settings', settings: nobody })).toEqual([hidden])
    expect(tell({ is: 'settings', settings: { ...nobody, receipts: false } })).toEqual([])
    expect(tell({ is: 'gone', device: { session: 1, activeAt: 0, away: false }, at: 900 })).toEqual([])
    expect(tell({ is: 'settings', settings: openSettings })).toEqual([
      { do: 'notify', watcher: 2, online: false, lastSeen: 900 },
    ])
  })
})
