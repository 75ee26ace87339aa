/** What a user actor that crashed leaves to its next life. */
import { expect, it } from 'vitest'
import type { UserMessage } from '../../../actors/user/messages.ts'
import { recover } from '../../../actors/user/recover.ts'
import { answers, inbox, user } from './inbox.ts'

const summary = (mail: readonly UserMessage[]) =>
  mail.map((message) => ('again' in message && 'ticket' in message ? [message.ticket, message.again] : message.is))
const next: UserMessage = { is: 'ack', session: 1, seq: 1 }

it('what nobody was answered comes first, as it may be durable; then what waited in the mailbox', () => {
  const { state, deliver } = inbox()
  deliver(1)
  deliver(2)
  deliver(3, { again: true })
  deliver(4)
  expect(summary(recover(state, [next]))).toEqual([[1, true], [2, true], [3, true], [4, true], 'ack'])
})

it('whoever was answered is not asked again', () => {
  const { state, deliver, durable } = inbox()
  deliver(1)
  durable()
  expect(recover(state, [next])).toEqual([next])
})

it('answers to what the former life asked for reach nobody', () => {
  const { state } = inbox()
  const late: UserMessage[] = [
    { is: 'appended', first: 1, last: 1 },
    { is: 'found', repeats: [] },
    { is: 'saved', ok: true },
    { is: 'checked', session: 1, chat: user('ann'), seq: 1, at: 1 },
    { is: 'settingsSaved', ok: true },
    { is: 'timer', timer: 'save' },
  ]
  expect(recover(state, [next, ...late, next])).toEqual([next, next])
})

it('what was refused keeps what follows it from overtaking it', () => {
  const { state, deliver } = inbox({ limits: { appendsInFlight: 1 } })
  deliver(9, { by: 8 })
  deliver(1)
  const life = inbox()
  for (const message of recover(state, [])) life.tell(message)
  expect(answers(life.deliver(2))).toEqual([[2, 'busy']])
})

it('what is in the mailbox itself comes once', () => {
  const { state, deliver } = inbox()
  deliver(1)
  const [again] = recover(state, [])
  if (!again) throw new Error('it was lost')
  expect(recover(state, [again])).toHaveLength(1)
})
