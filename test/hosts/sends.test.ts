/** What becomes of sends on their way to actors: rates, admission, order, and copies. */
import { expect, it } from 'vitest'
import { answerMs } from '../../src/embed/deadline.ts'
import type { ErrorCode } from '../../src/protocol/codes.ts'
import { completeLimits } from '../../src/protocol/limits.ts'
import { accepted, id } from './byhand.ts'
import { type Client, hosted } from './clients.ts'

/** 20 copies may go at once, and 10 messages to each. */
const limits = completeLimits({ sendsPerSecond: 10, sendsPerSecondToOne: 5, members: 20 })
const send = (n: number, to = 'ben') => ['send', id(n), to, 'hi', false]
const change = (n: number, what: string, body: string) => ['send', id(n), '#team', body, false, null, what]
const busy = { is: 'refused', code: 'busy' } as const

/** What the client was told of its sends: `sent 1`, or `busy 1 500`. */
function outcomes({ heard }: Client): string[] {
  return (heard.flat() as (string | number)[][]).map(([kind, a, , c, d]) =>
    kind === 'sent' ? `sent ${Number(String(a).slice(-3))}` : `${a} ${Number(String(c).slice(-3))} ${d}`,
  )
}

/** Asks about each send; the answers are given by hand. */
function asking() {
  const open: ((code?: ErrorCode) => void)[] = []
  const admit = () => () => new Promise<ErrorCode | undefined>((resolve) => void open.push(resolve))
  return { open, admit }
}

const went = (asked: readonly (readonly [string, object])[]) =>
  asked.flatMap(([to, message]) => ('id' in message ? [`${to} ${Number(String(message.id).slice(-3))}`] : []))

it('a send goes to the actor of a user or of a group, and is sent when that says so', async () => {
  const { says, enters, asked, answer, turn } = hosted()
  const ann = await enters('ann')
  says(ann, send(1), send(2, '#team'))
  expect(went(asked)).toEqual(['user ben 1', 'group #team 2'])
  expect(asked[0]?.[1]).toMatchObject({
    is: 'deliver',
    from: 'ann',
    body: 'hi',
    origin: { is: 'session', ref: ann.ref },
  })
  await turn()
  expect(outcomes(ann)).toEqual([])
  answer(1, { ...accepted, members: 3 })
  answer(0, accepted)
  await turn()
  expect(outcomes(ann)).toEqual(['sent 2', 'sent 1'])
})

it('what an actor cannot take now, or does not answer in time, may come again', async () => {
  const { says, enters, mailboxes, turn, pass } = hosted()
  const ann = await enters('ann')
  says(ann, send(1, 'ben'))
  mailboxes.take = false
  says(ann, send(2, 'cat'))
  await turn()
  expect(outcomes(ann)).toEqual([expect.stringMatching(/^busy 2/)])
  await pass(5_000)
  await pass(6_000)
  expect(outcomes(ann).slice(1)).toEqual([expect.stringMatching(/^busy 1/)])
})

it('more than a user may send waits its turn, from all devices together, and is told when that is', async () => {
  const { says, enters, asked, turn } = hosted({ limits })
  const [phone, laptop] = [await enters('ann', 'phone'), await enters('ann', 'laptop')]
  for (let n = 1; n <= 5; n++) for (const to of ['ben', 'cat']) says(phone, send(n, to))
  for (let n = 1; n <= 10; n++) says(laptop, send(n, 'dan'))
  expect(asked).toHaveLength(20)
  says(laptop, send(11, 'eve'))
  await turn()
  expect([asked.length, outcomes(laptop)]).toEqual([20, ['rate_limited 11 100']])
})

it('what is to come again has cost nothing, and what is refused for good has', async () => {
  for (const [code, goes] of [
    ['busy', 11],
    ['refused', 10],
  ] as const) {
    const { says, enters, asked, answer } = hosted({ limits })
    const ann = await enters('ann')
    says(ann, send(1))
    answer(0, { is: 'refused', code })
    for (let n = 1; n <= 20; n++) says(ann, send(n))
    expect(asked).toHaveLength(goes)
  }
})

it('one to a group takes what its members take: as many as there may be while they are not known, then as many as there are', async () => {
  const { says, enters, asked, answer } = hosted({ limits })
  const ann = await enters('ann')
  says(ann, send(1, '#team'), send(2, 'ben'))
  expect(went(asked)).toEqual(['group #team 1'])
  answer(0, { ...accepted, members: 3 })
  // 17 are left: five to the group, and two to others.
  for (let n = 3; n <= 9; n++) says(ann, send(n, '#team'))
  expect(went(asked)).toEqual([1, 3, 4, 5, 6, 7].map((n) => `group #team ${n}`))
  says(ann, send(2, 'ben'), send(10, 'cat'), send(11, 'dan'))
  expect(went(asked).slice(6)).toEqual(['user ben 2', 'user cat 10'])
})

it('a message that made more copies than were known takes the rest of the rate afterwards', async () => {
  const { says, enters, asked, answer, turn, pass } = hosted({ limits })
  const ann = await enters('ann')
  says(ann, change(1, 'create', 'Tea'))
  answer(0, { ...accepted, members: 1 })
  says(ann, send(2, '#team'))
  answer(1, { ...accepted, members: 49 })
  await turn()
  ann.heard.length = 0
  // 50 copies were made; 20 may be at once: 30 are owed, and one more is to go.
  says(ann, send(3, 'ben'))
  await turn()
  expect(outcomes(ann)).toEqual(['rate_limited 3 3100'])
  await pass(3_050)
  says(ann, send(3, 'ben'))
  expect(asked).toHaveLength(2)
  await pass(50)
  says(ann, send(3, 'ben'))
  expect(went(asked).slice(2)).toEqual(['user ben 3'])
})

it('whoever makes a group fills it at once; whom they add counts', async () => {
  const { says, enters, asked, answer, turn } = hosted({ limits })
  const ann = await enters('ann')
  says(ann, change(1, 'create', 'Tea'), change(2, 'add', Array.from({ length: 17 }, (_, n) => `user${n}`).join('\n')))
  says(ann, send(3, 'ben'), send(4, 'cat'))
  expect(went(asked)).toEqual(['group #team 1', 'group #team 2', 'user ben 3'])
  answer(1, { is: 'refused', code: 'too_many_members' })
  says(ann, send(4, 'cat'))
  await turn()
  expect(went(asked).slice(3)).toEqual(['user cat 4'])
})

it('whoever says that they make a group which is there already may send to it no faster for that', async () => {
  const { says, enters, asked, answer, turn } = hosted({ limits })
  const ann = await enters('ann')
  says(ann, change(1, 'create', 'Tea'), send(2, '#team'), send(3, '#team'))
  answer(0, { is: 'refused', code: 'no_change' })
  says(ann, send(3, '#team'), send(4, '#team'))
  await turn()
  // As many copies as a group may have are one message of those that may go at once.
  expect(went(asked)).toEqual(['group #team 1'])
})

it('what is asked about goes when it may, in the order of the sends, and with it what is not asked about', async () => {
  const { open, admit } = asking()
  const { says, enters, asked, turn } = hosted({ admit: (_, frame) => (frame[2] === 'ben' ? admit() : undefined) })
  const ann = await enters('ann')
  says(ann, send(1, 'ben'), send(2, 'cat'), send(3, 'ben'))
  await turn()
  expect([went(asked), open.length]).toEqual([[], 1])
  open[0]?.()
  await turn()
  expect([went(asked), open.length]).toEqual([['user ben 1', 'user cat 2'], 2])
  open[1]?.('refused')
  await turn()
  expect([went(asked).length, outcomes(ann)]).toEqual([2, ['refused 3 0']])
})

it("somebody's sends do not wait for what is asked about another's", async () => {
  const { admit } = asking()
  const { says, enters, asked, turn } = hosted({ admit: (from) => (from === 'ann' ? admit() : undefined) })
  const [ann, ben] = [await enters('ann'), await enters('ben')]
  says(ann, send(1, 'cat'))
  says(ben, send(2, 'cat'))
  await turn()
  expect(went(asked)).toEqual(['user cat 2'])
})

it('behind a send that is to come again none to the same user goes, and none is asked about', async () => {
  const { open, admit } = asking()
  const { says, enters, asked, turn } = hosted({ admit })
  const ann = await enters('ann')
  says(ann, send(1, 'ben'), send(2, 'ben'), send(3, 'cat'))
  await turn()
  open[0]?.('busy')
  await turn()
  expect([open.length, outcomes(ann).map((outcome) => outcome.slice(0, 6))]).toEqual([2, ['busy 1', 'busy 2']])
  open[1]?.()
  await turn()
  expect(went(asked)).toEqual(['user cat 3'])
})

it('what has waited for 10 s behind another is not asked about: it may come again', async () => {
  const { open, admit } = asking()
  const { says, enters, asked, turn, pass } = hosted({ admit })
  const ann = await enters('ann')
  says(ann, send(1, 'ben'), send(2, 'cat'))
  await pass(answerMs - 1)
  says(ann, send(3, 'dan'))
  await pass(1)
  open[0]?.()
  await turn()
  expect([went(asked), open.length]).toEqual([['user ben 1'], 2])
  open[1]?.()
  await turn()
  expect(went(asked)).toEqual(['user ben 1', 'user dan 3'])
  expect(outcomes(ann)).toEqual([expect.stringMatching(/^busy 2/)])
})

it('a send that is let go when its client has left goes all the same', async () => {
  const { open, admit } = asking()
  const { sessions, says, enters, asked, answer, turn } = hosted({ admit })
  const ann = await enters('ann')
  says(ann, send(1, 'ben'))
  await turn()
  sessions.ended(ann, 1000)
  asked.length = 0
  open[0]?.()
  await turn()
  expect(went(asked)).toEqual(['user ben 1'])
  answer(0, accepted)
  await turn()
  expect(ann.heard).toEqual([])
})

it('and what waits behind one that was refused for now when its client had left does not', async () => {
  const { open, admit } = asking()
  const { sessions, says, enters, asked, turn } = hosted({
    admit: (_, frame) => (frame[1] === id(2) ? undefined : admit()),
  })
  const ann = await enters('ann')
  says(ann, send(1, 'ben'), send(2, 'ben'), send(3, 'cat'))
  await turn()
  sessions.ended(ann, 1000)
  asked.length = 0
  open[0]?.('busy')
  await turn()
  open[1]?.()
  await turn()
  expect(went(asked)).toEqual(['user cat 3'])
})

it('and what is asked about while one before it is refused for now does not', async () => {
  const { open, admit } = asking()
  const { says, enters, asked, answer, turn } = hosted({
    admit: (_, frame) => (frame[1] === id(1) ? undefined : admit()),
  })
  const ann = await enters('ann')
  says(ann, send(1, 'ben'), send(2, 'ben'), send(3, 'cat'))
  await turn()
  answer(0, busy)
  await turn()
  open[0]?.()
  await turn()
  open[1]?.()
  await turn()
  expect(went(asked)).toEqual(['user ben 1', 'user cat 3'])
})

it("where a user has other devices a send is sent when its copy is in the user's own inbox, and may come again without", async () => {
  const { says, enters, asked, answer, turn } = hosted()
  const ann = await enters('ann', 'phone', true)
  says(ann, send(1, 'ben'), send(2, 'cat'))
  answer(0, accepted)
  answer(1, accepted)
  await turn()
  expect(outcomes(ann)).toEqual([])
  const copies = [1, 2].map((n) => expect.objectContaining({ is: 'copy', id: id(n), at: accepted.at, time: 50 }))
  expect(asked.slice(2)).toEqual(copies.map((copy) => ['user ann', copy]))
  answer(2, accepted)
  answer(3, busy)
  await turn()
  expect(outcomes(ann)).toEqual(['sent 1', expect.stringMatching(/^busy 2/)])
})
