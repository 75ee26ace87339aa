/**
 * An outbox: what happened, in a log, until it is sent. One reader reads it, whoever sends: as a device reads an inbox, so that what is
 * in memory is bounded, what is not acknowledged comes again after a crash, and what is acknowledged leaves the store. What is to stay,
 * as dead letters are, is recorded without a lifetime, in one that nobody reads.
 *
 *     receive(startOutbox(id, undefined, 7), { is: 'record', of: 'alice', events: [{ id, body }], again: false, ticket: 1 }, turn)
 *     // turn.effects: [{ do: 'append', epoch: 7, entries: [{ is: 'message', seq: 1, from: 'alice', … }] }]
 */
import type { DeviceId, Seq, UserId } from '../../src/protocol/ids.ts'
import { never } from '../../src/protocol/never.ts'
import type { InboxRecord, Reads } from '../../src/store/contract.ts'
import { saveAtOnce } from '../log/cursors.ts'
import { accept, ack, answered, attach, detach, timer } from '../log/log.ts'
import { addReader } from '../log/readers.ts'
import { isAnswer } from '../log/recover.ts'
import { isOpening, readerOf, startLog } from '../log/state.ts'
import { startDue } from '../log/timers.ts'
import type { Deliver, LogEvent, Ticket } from '../log/types.ts'
import type { Turn } from '../turn.ts'
import type { OutboxEffect, OutboxLimits, OutboxMessage, OutboxState, OutboxTurn } from './types.ts'

/** How far the events are sent is saved after so long, or after 256 of them. */
const saveAcksMs = 5_000
/** The one who reads. */
const device = 'sender' as DeviceId
/** Of the events that wait, so many are given up at a time: one by one each that comes would cost as much. */
const slice = 16

/** `found`: what whoever sends has left with its last `ack`. */
export const startOutbox = (
  id: UserId,
  record: InboxRecord | undefined,
  epoch: number,
  found: Reads = new Map(),
): OutboxState => ({ log: startLog(id, record, epoch), found, memo: null, saving: null })

export function receive(state: OutboxState, message: OutboxMessage, given: Turn<OutboxLimits, OutboxEffect>): void {
  const { now, limits, effects } = given
  const reads = () => {
    state.saving = state.memo
    state.memo = null
    return state.saving
  }
  const judge: OutboxTurn['judge'] = ({ lifetime }) => ({ lifetime })
  const turn: OutboxTurn = { now, limits, effects, saveAcksMs, said: [], judge, reads }
  const before = sentUpTo(state)
  handle(state, message, turn)
  // What is heeded may have more said.
  for (const said of turn.said) heed(state, said, before, turn)
}

/** Up to where the events are sent; 0: nobody ever came to send them. */
export const sentUpTo = ({ log: { readers } }: OutboxState): Seq => readers[0]?.acked ?? 0

function handle(state: OutboxState, message: OutboxMessage, turn: OutboxTurn): void {
  const { log } = state
  switch (message.is) {
    case 'record':
      for (const [at, event] of message.events.entries())
        accept(log, delivery(message, event, at + 1 === message.events.length ? message.ticket : 0), turn)
      return
    case 'found':
    case 'appended':
    case 'unappended':
    case 'page':
    case 'saved':
    case 'renamed':
    case 'started':
    case 'refusals':
      return answered(log, message, turn)
    case 'begin': {
      const reader = log.readers[0] ?? addReader(log, device, 0, turn.now)
      return attach(log, reader, message.ref, null, null, turn)
    }
    case 'ack': {
      const reader = readerOf(log, message.ref)
      if (reader && message.memo) remember(state, message.memo)
      return void (reader && ack(log, reader, Math.min(message.seq, log.tail), turn))
    }
    case 'end': {
      const reader = readerOf(log, message.ref)
      if (reader) detach(log, reader, turn)
      return saveAtOnce(log, turn)
    }
    case 'timer':
      return timer(log, message.timer, turn)
    default:
      return never(message)
  }
}

/**
 * Who recorded hears of the last one, and so of all: the log refuses for being full, or since the store does not answer, and then
 * refuses the later ones of a turn as well.
 */
const delivery = (
  { of: from, lifetime, again }: Extract<OutboxMessage, { is: 'record' }>,
  { id, body }: { readonly id: Deliver['id']; readonly body: string },
  ticket: Ticket,
): Deliver => ({
  is: 'deliver',
  origin: { is: 'program' },
  step: { nth: 0, round: 0 },
  from,
  id,
  body,
  lifetime,
  again,
  ticket,
})

/** `before`: up to where events were sent before this turn. */
function heed(state: OutboxState, said: LogEvent, before: Seq, turn: OutboxTurn): void {
  const { effects } = turn
  switch (said.says) {
    case 'stands':
      return bound(state, turn)
    case 'answer':
      return said.ticket === 0
        ? undefined
        : void effects.push({ do: 'answer', ticket: said.ticket, answer: said.answer })
    case 'opened':
      if (said.from > before) effects.push({ do: 'lose', upTo: said.from, events: said.from - before })
      handOver(state, turn)
      return forget(state, turn)
    case 'pushed':
      return void effects.push({ do: 'send', ref: said.reader.session, entries: said.entries })
    case 'broken':
      return void effects.push({ do: 'broken' })
    case 'saved': {
      const { saving } = state
      state.saving = null
      if (said.ok) return forget(state, turn)
      return saving ? remember(state, new Map([...saving, ...(state.memo ?? [])])) : undefined
    }
    case 'paused':
    case 'live':
    case 'acked':
      return
    default:
      return never(said)
  }
}

function remember(state: OutboxState, memo: Reads): void {
  state.memo = new Map([...(state.memo ?? []), ...memo])
}

/** Once: from then on whoever sends knows better. It is saved again, since it leaves the store when it is older than the retention time. */
function handOver(state: OutboxState, { effects }: OutboxTurn): void {
  const { found } = state
  if (!found) return
  state.found = null
  effects.push({ do: 'begins', memo: found })
  const lasting = [...found].filter(([, seq]) => seq > 0)
  if (lasting.length > 0) state.memo = new Map([...lasting, ...(state.memo ?? [])])
}

/** What is sent leaves the store. */
function forget(state: OutboxState, turn: OutboxTurn): void {
  const { log } = state
  log.settled = sentUpTo(state)
  if (log.waiting) startDue(log, () => log.settled, turn)
}

/** What waits may fill no disk: the oldest are given up. */
function bound({ log }: OutboxState, turn: OutboxTurn): void {
  const [reader] = log.readers
  const { waiting } = turn.limits
  if (!reader || reader.session === 0 || isOpening(reader) || log.tail - reader.acked <= waiting) return
  const upTo = log.tail - waiting + Math.floor(waiting / slice)
  turn.effects.push({ do: 'lose', upTo, events: upTo - reader.acked })
  ack(log, reader, upTo, turn)
}

/** The mail of the next life of an actor that crashed. Whoever recorded what is not durable is told to do so again. */
export const recover = (_: OutboxState, mail: readonly OutboxMessage[]): OutboxMessage[] =>
  mail.filter((message) => message.is !== 'timer' && !isAnswer(message.is))

/** Who waits for what a crashed actor had taken. */
export const unanswered = ({ log: { work } }: OutboxState): readonly Ticket[] =>
  [...(work?.pending ?? []).flatMap(({ known }) => known?.askers ?? []), ...(work?.waiting ?? [])]
    .map(({ ticket }) => ticket)
    .filter((ticket) => ticket !== 0)
