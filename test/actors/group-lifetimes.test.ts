/** What is temporary in a group: it leaves the log when every member has it and the group's record no longer needs it. */
import { describe, expect, it } from 'vitest'
import { receive } from '../../actors/group/group.ts'
import { startGroup } from '../../actors/group/record.ts'
import type { GroupEffect, GroupMessage } from '../../actors/group/types.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { DeviceId, GroupId, MessageId, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { GroupMember, GroupRecord, InboxRecord } from '../../src/store/contract.ts'
import { limits as smallLimits } from './limits.ts'
import { asked } from './turns.ts'

const user = (name: string) => name as UserId
const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as MessageId
const limits = { ...smallLimits, devices: 10, windowEntries: 10, inboxEntries: 100, listed: 2, members: 5 }
const none = { delivered: 0, read: 0 }
const member = (name: string): GroupMember => ({
  user: user(name),
  admin: name === 'ann',
  spans: [{ from: 1, to: null }],
  delivered: 3,
  read: 3,
  sent: 0,
  told: none,
})

/** A group of ann, ben and cat, whose log has three entries that everybody has; cat's link is at `cat`. */
function group(lifetime: Lifetime, cat = 3) {
  const cursors = ['ann', 'ben', 'cat'].map((name) => ({
    device: name as DeviceId,
    seq: name === 'cat' ? cat : 3,
    seenAt: 1,
  }))
  const inbox: InboxRecord = {
    epoch: 7,
    head: 1,
    tail: 3,
    lastTime: 1,
    cursors,
    settled: 3,
    waiting: null,
    lives: [],
    was: 0,
  }
  const members = ['ann', 'ben', 'cat'].map(member)
  const record: GroupRecord = { seq: 3, name: 'Team', history: 0, lifetime, members }
  const state = startGroup('#team' as GroupId, inbox, record, [], 7, 'default', 'life')
  const tell = (message: GroupMessage): readonly GroupEffect[] => asked(receive, state, message, { now: 1_000, limits })
  const post = (n: number, more: object = {}) =>
    tell({
      is: 'deliver',
      origin: { is: 'session', ref: 9 },
      step: { nth: n, round: 1 },
      from: user('ann'),
      id: id(n),
      body: 'hi',
      again: false,
      ticket: n,
      ...more,
    })
  /** The members' actors take the copies. */
  const taken = (effects: readonly GroupEffect[]) => {
    const copies = of(effects, 'fan').map(({ link, step }) => ({
      link: link.ref,
      step,
      answer: { is: 'accepted', at: { epoch: 1, seq: 1 }, time: 1 } as const,
    }))
    return tell({ is: 'fanned', copies })
  }
  return { state, tell, post, taken }
}
const of = <Kind extends GroupEffect['do']>(effects: readonly GroupEffect[], kind: Kind) =>
  effects.filter((effect): effect is Extract<GroupEffect, { do: Kind }> => effect.do === kind)

describe('a temporary group', () => {
  it('stamps messages, but no changes, and hands the stamp to its members', () => {
    const { tell, post, state } = group('read 5000')
    expect(of(post(4), 'append')).toMatchObject([{ entries: [{ seq: 4, lifetime: 'read 5000' }] }])
    const fans = of(tell({ is: 'appended', first: 4, last: 4 }), 'fan')
    expect(fans.map(({ member, entry }) => [member, entry.lifetime])).toEqual([
      ['ben', 'read 5000'],
      ['cat', 'read 5000'],
    ])
    const [renamed] = of(post(5, { body: 'New', change: 'rename' }), 'append')
    expect(renamed?.entries[0]).not.toHaveProperty('lifetime')
    tell({ is: 'appended', first: 5, last: 5 })
    const [kept] = of(post(6, { body: 'permanent', change: 'lifetime' }), 'append')
    expect(kept?.entries[0]).toMatchObject({ lifetime: 'permanent' })
    expect(state.lifetime).toBe('read 5000')
    tell({ is: 'appended', first: 6, last: 6 })
    expect(state.lifetime).toBe('permanent')
  })

  it('lets a message vanish when every member has it, and the record knows who has sent it', () => {
    const { tell, post, taken, state } = group('temporary')
    post(4)
    const copies = tell({ is: 'appended', first: 4, last: 4 })
    expect(of(taken(of(copies, 'fan').slice(0, 1)), 'start')).toEqual([])
    expect(of(taken(of(copies, 'fan').slice(1)), 'start'), 'not before the record').toEqual([])
    expect(of(tell({ is: 'timer', timer: 'record' }), 'record')).toMatchObject([{ record: { seq: 4 } }])
    expect(of(tell({ is: 'recorded', ok: false }), 'start')).toEqual([])
    tell({ is: 'timer', timer: 'record' })
    expect(of(tell({ is: 'recorded', ok: true }), 'start')).toMatchObject([{ started: { is: 'temporary', upTo: 4 } }])
    tell({ is: 'started', started: { is: 'temporary', upTo: 4 }, tail: 4, session: 0, lowest: 0 })
    expect(state.log.waiting).toBeNull()
  })

  it('passes over what has vanished for a member who comes late', () => {
    const { tell, taken, state } = group('temporary', 0)
    const [fetch] = of(tell({ is: 'resume' }), 'fetch')
    const gone = [1, 2].map((seq): Entry => ({ is: 'gone', seq, time: 1 }))
    const last: Entry = { is: 'message', seq: 3, time: 1, id: id(3), from: user('ann'), body: 'hi' }
    const page = tell({ is: 'page', reader: fetch?.reader ?? 0, from: 1, entries: [...gone, last] })
    expect(of(page, 'fan')).toMatchObject([{ member: 'cat', entry: { seq: 3 } }])
    taken(page)
    expect(state.log.readers.map(({ acked }) => acked)).toEqual([3, 3, 3])
    const again = group('temporary', 1)
    const [late] = of(again.tell({ is: 'resume' }), 'fetch')
    again.tell({
      is: 'page',
      reader: late?.reader ?? 0,
      from: 2,
      entries: gone.map((entry) => ({ ...entry, seq: entry.seq + 1 })),
    })
    expect(again.state.log.readers.map(({ acked }) => acked)).toEqual([3, 3, 3])
  })
})
