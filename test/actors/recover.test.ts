/** What an actor that crashed leaves to its next life. */
import { expect, it } from 'vitest'
import { recover as recoverGroup } from '../../actors/group/group.ts'
import { startGroup } from '../../actors/group/record.ts'
import type { GroupMessage } from '../../actors/group/types.ts'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { UserMessage } from '../../actors/user/messages.ts'
import { recover } from '../../actors/user/recover.ts'
import { startUser } from '../../actors/user/state.ts'
import { receive } from '../../actors/user/user.ts'
import type { GroupId, MessageId, UserId } from '../../src/protocol/ids.ts'
import { limits } from './limits.ts'
import { asked } from './turns.ts'

const bob = 'bob' as UserId
const record = { epoch: 7, head: 1, tail: 6, lastTime: 1, cursors: [], settled: 6, waiting: null, lives: [], was: 0 }
const start = () => startUser(bob, record, 7)
const deliver = (n: number, again: boolean): UserMessage => ({
  is: 'deliver',
  origin: { is: 'session', ref: n },
  step: { nth: 1, round: 1 },
  from: 'ann' as UserId,
  id: `id-${n}` as MessageId,
  body: 'hi',
  again,
  ticket: n,
})
function life() {
  const state = start()
  const tell = (message: UserMessage): readonly UserEffect[] => asked(receive, state, message, { now: 1_000, limits })
  return { state, tell }
}

it('asks the store anew: what the former life was told of one message answers no other, also where it had crashed by that', () => {
  const former = life()
  former.tell(deliver(1, false))
  former.tell(deliver(2, true))
  // It was asked for the second message alone, which stands at 5; the first is not known to be durable.
  const found: UserMessage = { is: 'found', repeats: [{ seq: 5, time: 1 }] }
  const mail = recover(former.state, [found, deliver(3, false)])
  expect(mail.map((message) => ('ticket' in message ? message.ticket : message.is))).toEqual([1, 2, 3])
  const next = life()
  const effects = mail.flatMap((message) => next.tell(message))
  expect(effects).toMatchObject([{ do: 'find', keys: [{ id: 'id-1' }] }])
  expect(next.tell({ is: 'found', repeats: [undefined] })).toMatchObject([
    { do: 'append', entries: [{ id: 'id-1', seq: 7 }] },
    { do: 'find', keys: [{ id: 'id-2' }] },
  ])
})

it('so does a group', () => {
  const group = 'g' as GroupId
  const state = startGroup(group, undefined, undefined, [], 7, 'default', 'life')
  const answers: GroupMessage[] = [
    { is: 'found', repeats: [] },
    { is: 'fanned', copies: [] },
    { is: 'appended', first: 1, last: 1 },
    { is: 'consulted', ticket: 1, open: [] },
  ]
  for (const [at] of answers.entries()) {
    const mail: GroupMessage[] = [...answers.slice(at), { is: 'resume' }, ...answers.slice(0, at)]
    expect(recoverGroup(state, mail)).toEqual([{ is: 'resume' }])
  }
})
