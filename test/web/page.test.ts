/** What the chat page makes of lines, times and states. Its look and its story: test/e2e/page.test.ts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Outgoing } from '../../src/client/index.ts'
import {
  changeWords,
  fromMe,
  type Line,
  merge,
  newChat,
  seenUpTo,
  sorted,
  summary,
  titleOf,
  toMe,
} from '../../src/web/model.ts'
import { bannerFor, day, presenceWords, when } from '../../src/web/words.ts'

const own = (id: string, state: Line['state'], time = 5): Outgoing => ({
  id,
  to: 'bob',
  body: id,
  media: null,
  change: null,
  time,
  state,
  at: null,
  copy: null,
  lifetime: 'default',
  expires: null,
  code: null,
})
const mine = (id: string, state: Line['state'], time = 5): Line => fromMe(own(id, state, time), 'me')
const theirs = (seq: number): Line =>
  toMe({
    id: `t${seq}`,
    chat: 'bob',
    from: 'bob',
    body: 'x',
    media: null,
    change: null,
    lifetime: 'default',
    time: 5,
    epoch: 1,
    seq,
    read: () => {},
  })

describe('a chat', () => {
  it('counts what is unread, once, and knows the newest of the other', () => {
    let chat = newChat('bob')
    const known = new Map<string, Line>()
    for (const line of [theirs(1), theirs(2), theirs(1), theirs(2), mine('a', 'queued')]) {
      const merged = merge(chat, known.get(line.id), line)
      known.set(line.id, merged.line)
      chat = merged.chat
    }
    expect(chat).toMatchObject({ unread: 2, newest: { epoch: 1, seq: 2 }, last: { id: 'a' } })
  })

  it('shows nothing as unread that another device has read, also when that is known before the messages are here', () => {
    let chat = seenUpTo(newChat('bob'), { epoch: 1, seq: 2 })
    for (const seq of [1, 2, 3]) chat = merge(chat, undefined, theirs(seq)).chat
    expect(chat.unread).toBe(1)
    expect(seenUpTo(chat, { epoch: 1, seq: 2 }).unread).toBe(1)
    expect(seenUpTo(chat, { epoch: 9, seq: 9 }).unread).toBe(1)
    expect(seenUpTo(chat, { epoch: 1, seq: 3 }).unread).toBe(0)
  })

  it('keeps each line in its place, and lets states only rise, whatever comes in whatever order', () => {
    const states = fc.constantFrom('queued', 'sent', 'delivered', 'read', 'refused' as const)
    const events = fc.array(
      fc.tuple(fc.constantFrom('a', 'b', 'c'), states as fc.Arbitrary<Line['state']>, fc.integer({ min: 0, max: 9 })),
    )
    const rank = ['queued', 'sent', 'delivered', 'read', 'refused']
    fc.assert(
      fc.property(events, (events) => {
        let chat = newChat('bob')
        const known = new Map<string, Line>()
        const arrived: string[] = []
        for (const [id, state, time] of events) {
          const before = known.get(id)
          if (!before) arrived.push(id)
          const merged = merge(chat, before, mine(id, state, time))
          if (before) {
            expect(rank.indexOf(merged.line.state)).toBe(Math.max(rank.indexOf(before.state), rank.indexOf(state)))
            expect(merged.line.order).toBe(before.order)
          }
          known.set(id, merged.line)
          chat = merged.chat
        }
        expect([...known.values()].sort((a, b) => a.order - b.order).map(({ id }) => id)).toEqual(arrived)
        if (chat.last) expect(chat.last).toEqual(known.get(arrived.at(-1) as string))
      }),
    )
  })

  it('stands above those with older news; one that is just opened above all', () => {
    const chats = [5, 9, 7].map((time) => ({ ...newChat(String(time)), last: { ...mine('x', 'sent'), order: time } }))
    expect(sorted([newChat('new'), ...chats]).map(({ id }) => id)).toEqual(['new', '9', '7', '5'])
  })

  it('of a group has the name that its changes give, and its changes are told as sentences that count as nothing unread', () => {
    let chat = newChat('#team')
    const words: string[] = []
    const say = (from: string, body: string, change: Line['change']) => {
      const seq = words.length + 1
      const incoming = { id: String(seq), chat: '#team', from, body, media: null, change, time: 5, epoch: 1, seq }
      const merged = merge(chat, undefined, toMe({ ...incoming, lifetime: 'default', read: () => {} }))
      words.push(summary(merged.line, 'me'))
      chat = merged.chat
    }
    expect(titleOf(chat)).toBe('Group')
    say('ann', 'Team', 'create')
    say('ann', 'me', 'add')
    say('me', 'hello', null)
    say('ann', 'Crew', 'rename')
    say('me', '', 'leave')
    expect(words).toEqual([
      'ann made the group “Team”',
      'ann added you',
      'me: hello',
      'ann named the group “Crew”',
      'You left',
    ])
    expect(titleOf(chat)).toBe('Crew')
    expect(chat.unread).toBe(1)
    expect(changeWords({ ...mine('x', 'sent'), change: null }, 'me')).toBe('x')
  })

  it('shows bytes as what they are', () => {
    expect(fromMe({ ...own('x', 'sent'), body: new Uint8Array(7) }, 'me').text).toBe('[7 bytes]')
  })
})

describe('words', () => {
  const now = new Date(2026, 10, 24, 12, 0).getTime()
  const at = (days: number, hour: number) => new Date(2026, 10, 24 - days, hour, 5).getTime()

  it('name days as people do', () => {
    expect(day(at(0, 0), now)).toBe('Today')
    expect(day(at(1, 23), now)).toBe('Yesterday')
    expect(day(at(3, 1), now)).toBe(new Date(at(3, 1)).toLocaleDateString([], { weekday: 'long' }))
    expect(day(at(40, 1), now)).toContain('2026')
    expect(day(now + 60_000, now)).toBe('Today')
    expect(when(at(0, 9), now)).toMatch(/9:05|09:05/)
    expect(when(at(1, 9), now)).toBe('Yesterday')
  })

  it('say who is here, and since when not', () => {
    expect(presenceWords({ online: true }, now)).toBe('online')
    expect(presenceWords({ online: false }, now)).toBe('')
    expect(presenceWords({ online: false, lastSeen: new Date(at(1, 9)) }, now)).toMatch(
      /^last seen yesterday at 0?9:05/,
    )
  })

  it('say what is wrong with the connection, how long until the next try, and what can be done', () => {
    expect(bannerFor({ is: 'online', user: 'a', device: 'b' }, now)).toBeUndefined()
    const waiting = { is: 'waiting', retryAt: now + 1_200, attempt: 1, reason: '' } as const
    expect(bannerFor(waiting, now)).toMatchObject({ aside: 'Next try in 2 s', action: 'retry' })
    expect(bannerFor(waiting, now + 9_000)?.aside).toBe('Next try in 0 s')
    for (const code of [
      'replaced',
      'storage_taken',
      'bad_token',
      'storage_of_another_user',
      'too_many_devices',
      'storage_failed',
    ] as const)
      expect(bannerFor({ is: 'closed', code }, now)?.action).toMatch(/reload|leave/)
  })
})
