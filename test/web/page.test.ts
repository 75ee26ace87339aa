/** What the chat page makes of lines, times and states. Its look and its story: test/e2e/page.test.ts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deleted, merge, newChat, seenUpTo, sorted, titleOf, without } from '../../src/client/chats/chat.ts'
import { fromMe, fromPast, type Line, startTimer, toMe } from '../../src/client/chats/line.ts'
import type { Outgoing } from '../../src/client/index.ts'
import { isLifetime } from '../../src/protocol/lifetime.ts'
import { browserWords, deviceWords } from '../../src/web/devices.ts'
import { changeWords, shortened, summary } from '../../src/web/telling.ts'
import {
  bannerFor,
  choiceWords,
  day,
  leftWords,
  lifetimes,
  lifetimeWords,
  presenceWords,
  when,
} from '../../src/web/words.ts'

const now = 1_000_000
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
const theirs = (seq: number, lifetime: Line['lifetime'] = 'default'): Line =>
  toMe(
    {
      id: `t${seq}`,
      chat: 'bob',
      from: 'bob',
      body: 'x',
      media: null,
      change: null,
      lifetime,
      time: 5,
      epoch: 1,
      seq,
      read: () => {},
    },
    now,
  )

describe('a chat', () => {
  it('counts what is unread, once, and knows the newest of the other', () => {
    let chat = newChat('bob')
    const known = new Map<string, Line>()
    for (const line of [theirs(1), theirs(2), theirs(1), theirs(2), mine('a', 'queued')]) {
      const merged = merge(chat, known.get(line.id), line, now)
      known.set(line.id, merged.line)
      chat = merged.chat
    }
    expect(chat).toMatchObject({ unread: 2, newest: { epoch: 1, seq: 2 }, last: { id: 'a' } })
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
          const merged = merge(chat, before, mine(id, state, time), now)
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

  it('has what another own device sent in its place, though it comes before what stands before it', () => {
    const lines = [
      { ...mine('copy', 'sent', 30), here: { epoch: 1, seq: 3 } },
      { ...theirs(1), time: 10 },
      { ...theirs(2), time: 20 },
      { ...theirs(4), time: 40 },
    ]
    let chat = newChat('bob')
    const order = new Map<string, number>()
    for (const line of lines) {
      const merged = merge(chat, undefined, line, now)
      chat = merged.chat
      order.set(line.id, merged.line.order)
    }
    expect([...order].sort(([, a], [, b]) => a - b).map(([id]) => id)).toEqual(['t1', 't2', 'copy', 't4'])
    expect(chat).toMatchObject({ last: { id: 't4' }, unread: 3, newest: { seq: 4 } })
    const [first, second] = lines
    if (!first || !second) throw new Error('they are there')
    const before = merge(merge(newChat('bob'), undefined, first, now).chat, undefined, second, now).chat
    expect(before).toMatchObject({ last: { id: 'copy' }, unread: 1 })
  })

  it('stands above those with older news, one that is just being written above all, and one of which nothing came nowhere', () => {
    const chats = [5, 9, 7].map((time) => ({ ...newChat(String(time)), moved: time }))
    expect(sorted([{ ...newChat('new'), draft: 'Dear' }, newChat('read'), ...chats]).map(({ id }) => id)).toEqual([
      'new',
      '9',
      '7',
      '5',
    ])
  })

  it('of a group has the name that its changes give, and its changes are told as sentences that count as nothing unread', () => {
    let chat = newChat('#team')
    const words: string[] = []
    const say = (from: string, body: string, change: Line['change']) => {
      const seq = words.length + 1
      const incoming = { id: String(seq), chat: '#team', from, body, media: null, change, time: 5, epoch: 1, seq }
      const merged = merge(chat, undefined, toMe({ ...incoming, lifetime: 'default', read: () => {} }, now), now)
      words.push(summary(merged.line, 'me'))
      chat = merged.chat
    }
    expect(titleOf(chat)).toBe('Group')
    say('ann', 'Team', 'create')
    say('ann', 'me', 'add')
    say('me', 'ben\nme\ncat', 'add')
    say('me', 'a\nb\nc\nd\ne', 'add')
    say('me', 'hello', null)
    say('ann', 'Crew', 'rename')
    say('me', '', 'leave')
    expect(words).toEqual([
      'ann created the group “Team”',
      'ann added you',
      'You added ben, you and cat',
      'You added a, b, c and 2 others',
      'me: hello',
      'ann renamed the group to “Crew”',
      'You left',
    ])
    expect(titleOf(chat)).toBe('Crew')
    expect(chat.unread).toBe(1)
    expect(changeWords({ ...mine('x', 'sent'), change: null }, 'me')).toBe('x')
  })

  it('runs the time of a line from when it came, or from when it is read here or on another device', () => {
    const [came, read] = [now + 5, now + 50]
    const short = merge(newChat('bob'), undefined, { ...theirs(1, 'delivered 9000'), order: 0 }, came)
    expect(short.line).toMatchObject({ expires: now + 9_000, waits: null })
    const { line, chat } = merge(newChat('bob'), undefined, theirs(2, 'read 9000'), came)
    expect(line).toMatchObject({ expires: null, waits: 'bob' })
    expect(startTimer(line, read)).toMatchObject({ expires: read + 9_000, waits: null })
    expect(merge(seenUpTo(chat, { epoch: 1, seq: 9 }), undefined, theirs(3, 'read 9000'), read).line).toMatchObject({
      expires: read + 9_000,
      waits: null,
    })
    expect(startTimer(theirs(4), read)).toMatchObject({ expires: null })
    const notice = toMe({ ...theirs(5), body: 'read 9000', change: 'lifetime', epoch: 1, seq: 5, read: () => {} }, now)
    expect(notice).toMatchObject({ expires: null, waits: null })
  })

  it('counts no line twice whose time runs already', () => {
    const { line, chat } = merge(newChat('bob'), undefined, theirs(1, 'read 9000'), now)
    const again = merge(chat, startTimer(line, now + 1), theirs(1, 'read 9000'), now + 500)
    expect(again.line).toMatchObject({ expires: now + 9_001, waits: null })
    expect(again.chat.size).toBe(1)
  })

  it('loses lines that vanish, read or not', () => {
    let chat = newChat('bob')
    for (const seq of [1, 2, 3]) chat = merge(chat, undefined, theirs(seq), now).chat
    chat = merge(chat, undefined, mine('a', 'sent'), now).chat
    expect(chat).toMatchObject({ size: 4, unread: 3 })
    chat = without({ ...seenUpTo(chat, { epoch: 1, seq: 1 }), unread: 2 }, theirs(3))
    expect(chat).toMatchObject({ size: 3, unread: 1 })
    for (const line of [theirs(1), mine('a', 'sent')]) chat = without(chat, line)
    expect(chat).toMatchObject({ size: 1, unread: 1 })
  })

  it('knows which lines a deletion meant: own ones without a place go with those that were before them', () => {
    const here = (seq: number) => ({ epoch: 1, seq })
    const lines = [
      mine('a', 'read'),
      theirs(1),
      mine('b', 'queued'),
      { ...mine('c', 'sent'), here: here(2) },
      { ...theirs(3), here: { epoch: 0, seq: 90 } },
      mine('d', 'sent'),
      theirs(4),
      mine('e', 'sent'),
    ]
    const ids = (from: number, upTo: number) => deleted(lines, 1, from, upTo).map(({ id }) => id)
    expect(ids(2, 2)).toEqual(['c'])
    expect(ids(2, 9)).toEqual(['c', 't4'])
    expect(ids(1, 2)).toEqual(['a', 't1', 'c'])
    expect(ids(1, 4)).toEqual(['a', 't1', 'c', 't3', 'd', 't4'])
    expect(ids(5, 9)).toEqual([])
  })

  it('of a history says who has read, as far as it is known', () => {
    const chat = merge(newChat('bob'), undefined, { ...mine('a', 'read'), at: { epoch: 3, seq: 5 } }, now).chat
    const past = { id: 'x', chat: 'bob', from: 'me', body: 'x', media: null, change: null, time: 1, epoch: 1, seq: 1 }
    const states = [4, 5, 6].map((seq) => fromPast({ ...past, at: { epoch: 3, seq } }, chat.theirs, 'me').state)
    expect(states).toEqual(['read', 'read', 'sent'])
    expect(fromPast({ ...past, from: 'bob', at: null }, chat.theirs, 'me')).toMatchObject({
      mine: false,
      here: { seq: 1 },
    })
  })

  it('shows bytes as what they are', () => {
    expect(fromMe({ ...own('x', 'sent'), body: new Uint8Array(7) }, 'me').text).toBe('[7 bytes]')
  })
})

describe('a line in a list', () => {
  it('is not cut inside an emoji, nor inside what belongs together', () => {
    const family = '👨‍👩‍👧‍👦'
    expect(shortened(`${'x'.repeat(199)}${family} and more`)).toBe(`${'x'.repeat(199)}${family}…`)
    expect(shortened('😀'.repeat(500))).toBe(`${'😀'.repeat(200)}…`)
    expect(shortened(`${'x'.repeat(599)}😀`)).toMatch(/^x{200}…$/)
    expect(shortened(family.repeat(70))).toBe(`${family.repeat(Math.floor(600 / family.length))}…`)
    expect(shortened('two\n\n lines ')).toBe('two lines')
  })
})

describe('a browser', () => {
  it('is called as a person knows it', () => {
    const told: [string, string][] = [
      [
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
        'Chrome on Linux',
      ],
      [
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
        'Edge on Windows',
      ],
      [
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
        'Safari on Mac',
      ],
      [
        'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
        'Safari on iPhone',
      ],
      ['Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0', 'Firefox on Android'],
      ['curl/8', 'Browser'],
    ]
    for (const [userAgent, words] of told) expect(browserWords(userAgent)).toBe(words)
    expect(['Chrome on Linux ~k3f9', 'web-k3f9', 'phone'].map(deviceWords)).toEqual([
      'Chrome on Linux',
      'A browser',
      'phone',
    ])
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

  it('say how long messages stay, and how much is left', () => {
    const words = ['default', 'permanent', 'temporary', 'read 30000', 'delivered 604800000', 'read 90000']
    expect(words.map((lifetime) => lifetimeWords(lifetime))).toEqual([
      'messages are kept for as long as the server is set to, usually 30 days',
      'messages are kept until you delete them',
      'messages are kept on the server only until they are delivered',
      'messages disappear 30 seconds after they are read',
      'messages disappear 1 week after they are delivered',
      'messages disappear 90 seconds after they are read',
    ])
    expect(lifetimes.every(isLifetime)).toBe(true)
    expect(new Set(lifetimes.map(choiceWords)).size).toBe(lifetimes.length)
    expect([-5, 900, 60_000, 60_001, 5_400_000, 90_000_000].map(leftWords)).toEqual([
      '0 s',
      '1 s',
      '60 s',
      '2 min',
      '2 h',
      '2 d',
    ])
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
