/** What a user actor does before something is gone, and who hears of it. */
import { describe, expect, it } from 'vitest'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { UserMessage } from '../../actors/user/messages.ts'
import { startUser } from '../../actors/user/state.ts'
import { receive } from '../../actors/user/user.ts'
import type { DeviceId, MessageId, UserId } from '../../src/protocol/ids.ts'
import type { InboxRecord } from '../../src/store/contract.ts'
import { limits } from './limits.ts'
import { asked } from './turns.ts'

const [ann, bob, team] = ['ann', 'bob', '#team'] as UserId[] as [UserId, UserId, UserId]
const messageId = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as MessageId
const whole = Number.MAX_SAFE_INTEGER
type Effect<Does extends UserEffect['do']> = Extract<UserEffect, { do: Does }>

/** An inbox of four entries, of which the node knows that so many are acknowledged, and their senders told. */
const inbox = (acked: number, devices = ['phone']): InboxRecord => {
  const cursors = devices.map((device) => ({ device: device as DeviceId, seq: acked, seenAt: 1_000 }))
  return { epoch: 7, head: 1, tail: 4, lastTime: 1_000, settled: acked, waiting: null, cursors, lives: [], was: 0 }
}

/** Bob's actor as it starts, with his phone, which says nothing of how far it was. */
function bobOf(record: InboxRecord, devices = ['phone']) {
  const state = startUser(bob, record, 7)
  const tell = (message: UserMessage): readonly UserEffect[] => asked(receive, state, message, { now: 1_000, limits })
  for (const [index, device] of devices.entries())
    tell({ is: 'attach', session: index + 1, device: device as DeviceId, cursor: null })
  const ask = (from: number, upTo: number, chat = ann) => tell({ is: 'delete', session: 1, chat, from, upTo })
  const askByCode = () => tell({ is: 'erase', ticket: 5, chat: ann, from: 1, upTo: Number.MAX_SAFE_INTEGER })
  const erased = (effects: readonly UserEffect[]) => {
    const [erase] = effects.filter((effect): effect is Effect<'erase'> => effect.do === 'erase')
    return tell({ is: 'erased', deletion: (erase as Effect<'erase'>).deletion, ok: true })
  }
  const looked = (effects: readonly UserEffect[], first: number, at: number) => {
    const [look] = effects as readonly [Effect<'findSpan'>]
    return tell({ is: 'spanFound', deletion: look.deletion, found: { first, at } })
  }
  return { state, tell, ask, askByCode, looked, erased }
}
/** `again`: it was told before, or may have been, and is told for a deletion that waits. */
const receipt = (peer: UserId, delivered: number, again = true) => ({
  do: 'tell',
  user: peer,
  message: { is: 'receipt', from: bob, epoch: 7, delivered, read: 0, again, awaited: again },
})
const done = (from: number, upTo: number) => ({ do: 'confirm', session: 1, kind: 'delete', ref: ann, seq: upTo, from })

describe('a deletion', () => {
  it('is made gone at once where senders were told, and is done when that is durable', () => {
    const { ask, erased, state } = bobOf(inbox(4))
    const effects = ask(1, whole)
    expect(effects).toMatchObject([{ do: 'erase', deletion: { chat: ann, from: 1, end: 4 } }])
    expect(erased(effects)).toEqual([done(1, whole)])
    expect(state.work?.deletions).toEqual([])
  })

  it('by a device of what is not known to be delivered waits until its sender has the tick', () => {
    const { ask, looked, tell, erased } = bobOf(inbox(0))
    const effects = ask(1, 3)
    expect(effects).toMatchObject([{ do: 'findSpan', deletion: { chat: ann }, from: 1, upTo: 3 }])
    expect(looked(effects, 1, 3).filter((effect) => effect.do !== 'after')).toEqual([receipt(ann, 3)])
    const confirm = (delivered: number) => tell({ is: 'receipted', peer: ann, delivered, read: 0 })
    expect(confirm(2)).toEqual([])
    const [erase] = confirm(3)
    expect(erase).toMatchObject({ do: 'erase', deletion: { from: 1, end: 3 } })
    expect(erased([erase as UserEffect])).toEqual([done(1, 3)])
  })

  it('looks only at what it deletes, and a group is told by its own seqs', () => {
    const { ask, looked, tell } = bobOf(inbox(1))
    const effects = ask(3, 3, team)
    expect(effects).toMatchObject([{ do: 'findSpan', from: 3, upTo: 3 }])
    expect(looked(effects, 3, 70)).toContainEqual(receipt(team, 70))
    expect(tell({ is: 'receipted', peer: team, delivered: 70, read: 0 })).toMatchObject([{ do: 'erase' }])
  })

  it('goes on where nothing is found, and is refused for now where the store does not answer', () => {
    const { ask, looked, tell, state } = bobOf(inbox(0))
    expect(looked(ask(1, 3), 0, 0)).toMatchObject([{ do: 'erase' }])
    const [look] = ask(4, 4) as readonly [Effect<'findSpan'>]
    const refused = { do: 'refuse', session: 1, kind: 'delete', ref: ann, code: 'busy' }
    expect(tell({ is: 'spanFound', deletion: look.deletion, found: null })).toEqual([refused])
    expect(state.work?.deletions).toHaveLength(1)
  })

  it('waits for the confirmation of what was told before, and an ack meanwhile takes nothing of it back', () => {
    const { ask, looked, tell } = bobOf(inbox(0))
    const message = (seq: number) =>
      ({ is: 'message', seq, time: 1_000, id: messageId(seq), from: ann, body: 'hi' }) as const
    tell({ is: 'page', reader: 1, from: 1, entries: [1, 2, 3, 4].map(message) })
    looked(ask(3, 3), 3, 3)
    expect(tell({ is: 'ack', session: 1, seq: 2 })).toContainEqual(receipt(ann, 3, false))
    expect(ask(1, 2), 'it is told that somebody waits').toEqual([receipt(ann, 3)])
    expect(tell({ is: 'receipted', peer: ann, delivered: 3, read: 0 })).toMatchObject([
      { do: 'erase', deletion: { from: 3 } },
      { do: 'erase', deletion: { from: 1 } },
    ])
  })

  it('by code tells of what a device has, and does not wait for what none ever got', () => {
    const { askByCode, looked, tell, erased } = bobOf({ ...inbox(2), settled: 0 })
    const effects = askByCode()
    expect(effects).toMatchObject([{ do: 'findSpan', from: 1, upTo: 2 }])
    looked(effects, 1, 1)
    const erase = tell({ is: 'receipted', peer: ann, delivered: 1, read: 0 })
    expect(erased(erase)).toMatchObject([{ do: 'append', entries: [{ is: 'deleted', seq: 5 }] }])
    expect(tell({ is: 'appended', first: 5, last: 5 })[0]).toMatchObject({ do: 'answer', ticket: 5 })
    expect(bobOf(inbox(0)).askByCode()).toMatchObject([{ do: 'erase', deletion: { end: 4 } }])
  })

  it('by code is told to the only device also while that is away', () => {
    const { askByCode, erased, tell } = bobOf(inbox(4))
    tell({ is: 'detach', session: 1 })
    expect(erased(askByCode())).toMatchObject([{ do: 'append', entries: [{ is: 'deleted', seq: 5 }] }])
  })

  it('by code is told also where no device is known: a crash may have forgotten one', () => {
    const { askByCode, erased } = bobOf(inbox(4, []), [])
    const effects = askByCode()
    expect(effects).toMatchObject([{ do: 'erase' }])
    expect(erased(effects)).toMatchObject([{ do: 'append', entries: [{ is: 'deleted', seq: 5, upTo: 4 }] }])
  })

  it('by a device that the actor does not know yet waits until that has come: it says it again then', () => {
    const { tell, state } = bobOf(inbox(4), [])
    expect(tell({ is: 'delete', session: 1, chat: ann, from: 1, upTo: 4 })).toEqual([])
    expect(state.work?.deletions ?? []).toEqual([])
  })

  it('is told to other devices by an entry before it is done, and is refused for now where the store fails', () => {
    const devices = ['phone', 'laptop']
    const { ask, erased, tell, state } = bobOf(inbox(4, devices), devices)
    expect(erased(ask(1, 9))).toMatchObject([
      { do: 'append', entries: [{ is: 'deleted', seq: 5, chat: ann, from: 1, upTo: 4 }] },
    ])
    const appended = tell({ is: 'appended', first: 5, last: 5 })
    expect(appended[0]).toEqual(done(1, 9))
    expect(appended.slice(1)).toMatchObject([
      { do: 'push', session: 1 },
      { do: 'push', session: 2 },
    ])
    const [again] = ask(1, 4) as readonly [Effect<'erase'>]
    expect(tell({ is: 'erased', deletion: again.deletion, ok: false })).toMatchObject([
      { do: 'refuse', session: 1, kind: 'delete', ref: ann, code: 'busy' },
    ])
    expect(state.work?.deletions).toEqual([])
  })
})
