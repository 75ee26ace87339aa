/**
 * The user actor: the one writer and reader of a user's inbox. It lives while a device is attached or mail is being
 * appended. It does no I/O: it answers each message with effects, which its host performs.
 *
 *     receive(startUser('bob', undefined, 7), { is: 'deliver', from: 'alice', … }, { now, limits, effects })
 *     // effects: [{ do: 'append', epoch: 7, entries: [{ is: 'message', seq: 1, … }] }]
 *
 * The inbox is a log (actors/log), and the devices read it. What is new here is the person: whom they let write, the ticks of what
 * they got and sent, their settings and their devices. It is not: a session (which speaks to the socket), a store, or a place for
 * anything that must survive a crash.
 */
import type { Entry } from '../../src/protocol/entry.ts'
import type { Seq } from '../../src/protocol/ids.ts'
import { never } from '../../src/protocol/never.ts'
import { pauseAt } from '../log/append.ts'
import { saveNow, settle } from '../log/cursors.ts'
import { isRenamed, standing } from '../log/lives.ts'
import { accept, ack, answered, attach, detach, timer as logTimer, resume, write } from '../log/log.ts'
import { readerOf, unwelcomed } from '../log/state.ts'
import { startDue } from '../log/timers.ts'
import type { Incoming, LogEvent, Reader } from '../log/types.ts'
import type { Turn } from '../turn.ts'
import { askChats, listed, listNext, listStanding, recollected } from './chats.ts'
import { deletedStands, erase, eraseConfirmed, erased, looked, past, readBack } from './deletion.ts'
import {
  askDevices,
  hasOthers,
  letIn,
  lostBy,
  lowestAcked,
  remove,
  removed,
  removeNow,
  tellSiblings,
} from './devices.ts'
import type { UserEffect } from './effects.ts'
import { goesAlong } from './later.ts'
import { changeOf } from './lifetime.ts'
import type { UserMessage, UserTimer } from './messages.ts'
import { judge } from './policy.ts'
import { askSettings, keepLifetime, kept, set } from './preferences.ts'
import {
  readStands,
  readStarted,
  readsRecalled,
  readsSaved,
  recalledReads,
  recallReads,
  toSave,
  writeReads,
} from './reads.ts'
import { heard, recall, recalled, receiptStands, writeNews } from './receipts.ts'
import type { UserState } from './state.ts'
import { workOf } from './state.ts'
import { checked, notePushed, read, receipted, retell, scanned, tellDelivered, tellLeaving } from './ticks.ts'
import type { UserLimits, UserTurn, Wish } from './turn.ts'
import { turnsAway, wipe, wipeAgain, wipeConfirmed, wiped, wipeWhenQuiet } from './wiping.ts'

/** Acks of a device that stays: a crash makes a client that kept no cursor itself see the last minutes again. */
const saveAcksMs = 600_000

export function receive(state: UserState, message: UserMessage, given: Turn<UserLimits, UserEffect>): void {
  const { now, limits, effects } = given
  const turn: UserTurn = {
    now,
    limits,
    effects,
    saveAcksMs,
    said: [],
    judge: (incoming) => judge(state, incoming, turn),
    reads: () => toSave(state),
  }
  const before = latest(state)
  if (!turnsAway(state, message, turn)) handle(state, message, turn)
  heedAll(state, turn)
  if (state.work?.wipe) return wipeWhenQuiet(state, turn)
  if (latest(state) > before && goesAlong(state, turn)) {
    writeLater(state, turn)
    heedAll(state, turn)
  }
  if (!state.log.waiting) return
  startDue(state.log, () => lowestAcked(state, turn), turn)
}

/** The seq of the last entry that was given to the store. */
const latest = ({ log: { work, tail } }: UserState): Seq => work?.pending.at(-1)?.entry.seq ?? tail

function heedAll(state: UserState, turn: UserTurn): void {
  // What is heeded may have more said.
  for (const said of turn.said) heed(state, said, turn)
  turn.said.length = 0
}

function handle(state: UserState, message: UserMessage, turn: UserTurn): void {
  const { log } = state
  switch (message.is) {
    case 'deliver':
    case 'copy':
      return accept(log, message, turn)
    case 'started':
      answered(log, message, turn)
      return readStarted(state, message, turn)
    case 'found':
    case 'appended':
    case 'unappended':
    case 'page':
    case 'saved':
    case 'renamed':
    case 'refusals':
      return answered(log, message, turn)
    case 'attach':
      return attachDevice(state, message, turn)
    case 'detach': {
      const device = readerOf(log, message.session)
      return device && detachDevice(state, device, turn)
    }
    case 'stand': {
      const { session, at, life } = message
      const upTo = standing(log, at)
      return void turn.effects.push({ do: 'stands', session, epoch: at.epoch, life, upTo, now: log.epoch })
    }
    case 'scanned':
      return scannedFor(state, message, turn)
    case 'ack':
      return ackOf(state, message, turn)
    case 'read':
      return read(state, message, turn)
    case 'checked':
      return checked(state, message, turn)
    case 'receipt':
      return heard(state, message, turn)
    case 'receipted':
      receipted(state, message, turn)
      return eraseConfirmed(state, message.peer, message.delivered, turn)
    case 'set':
      return set(state, message, turn)
    case 'settingsSaved':
      return kept(state, message.ok, turn)
    case 'reads':
      return readsRecalled(state, message.reads, turn)
    case 'ask':
      if (message.what === 'devices') return askDevices(state, message.session, turn)
      if (message.what === 'chats') return askChats(state, message.session, turn)
      return askSettings(state, message.session, turn)
    case 'listed':
      return listed(state, message, turn)
    case 'recollected':
      return recollected(state, message, turn)
    case 'remove':
      return remove(state, message, turn)
    case 'delete': {
      const { session, chat, from, upTo } = message
      // Of one that the actor's former life knew: the device repeats it, as all that is not done, and may be unknown until then.
      if (!readerOf(log, session)) return
      return erase(state, { is: 'session', session }, chat, from, upTo, turn)
    }
    case 'erase': {
      const { ticket, chat, from, upTo } = message
      return erase(state, { is: 'program', ticket }, chat, from, upTo, turn)
    }
    case 'wipe':
      return wipe(state, message.ticket, turn)
    case 'wipeConfirmed':
      return wipeConfirmed(state, message.isUnderWay, turn)
    case 'wiped':
      return wiped(state, message.ok, turn)
    case 'spanFound':
      return looked(state, message, turn)
    case 'erased':
      return erased(state, message, turn)
    case 'history':
      return readBack(state, message, turn)
    case 'past':
      return past(state, message, turn)
    case 'timer':
      return timer(state, message.timer, turn)
    default:
      return never(message)
  }
}

/** What the log says, and what the user's own features want of it. */
function heed(state: UserState, said: LogEvent | Wish, turn: UserTurn): void {
  const { log } = state
  const { effects } = turn
  switch (said.says) {
    case 'stands':
      return stands(state, said.entry, turn)
    case 'answer':
      return void effects.push({ do: 'answer', ticket: said.ticket, answer: said.answer })
    case 'paused':
      return paused(state, said.message, turn)
    case 'opened': {
      const { reader, epoch, from: seq, tail, lost: why } = said
      const { session } = reader
      const siblings = hasOthers(state, reader, turn)
      effects.push({ do: 'welcome', session, epoch, seq, tail, why, siblings, settings: state.settings })
      // What was told at once it has not heard.
      return state.work ? writeLater(state, turn) : undefined
    }
    case 'pushed':
      notePushed(state, said.entries, said.again)
      return void effects.push({ do: 'push', session: said.reader.session, entries: said.entries })
    case 'live':
      return void effects.push({ do: 'live', session: said.reader.session, seq: said.reader.pushed })
    case 'broken':
      return void effects.push({ do: 'close', session: said.reader.session, code: said.code })
    case 'acked':
      return tellDelivered(state, turn)
    case 'saved':
      readsSaved(state, said.ok, turn)
      return removed(state, said.nth, said.ok, turn)
    case 'write':
      return write(log, said.draft, said.lazy, turn)
    case 'settle':
      return settle(log, said.upTo, turn)
    case 'save':
      return saveNow(log, turn)
    case 'remove':
      return removeNow(state, said.session, said.device, turn)
    case 'resume':
      return resume(log, said.message, turn)
    default:
      return never(said)
  }
}

/** An entry is durable: first what it means, then the answer. */
function stands(state: UserState, entry: Entry, turn: UserTurn): void {
  listStanding(state, entry)
  switch (entry.is) {
    case 'message':
      return void turn.effects.push({ do: 'accepted', epoch: state.log.epoch, entry })
    case 'receipt':
      return receiptStands(state, entry, turn)
    case 'seen':
      return readStands(state, entry, turn)
    case 'deleted':
      return deletedStands(state, entry, turn)
    case 'copy':
    case 'gone':
      return
    default:
      return never(entry)
  }
}

/** A message that changes the lifetime of its chat: the settings come first. */
function paused(state: UserState, message: Incoming, turn: UserTurn): void {
  const change = changeOf(state, message, turn)
  if (typeof change === 'string') return resume(state.log, change, turn)
  pauseAt(state.log, change.time)
  keepLifetime(state, change.kept, message, turn)
}

function attachDevice(state: UserState, message: Extract<UserMessage, { is: 'attach' }>, turn: UserTurn): void {
  const { session, cursor } = message
  // By the name that it was told the log may be another one by now: it comes again, and shows that name.
  if (message.welcomed && isRenamed(state.log, turn.limits))
    return void turn.effects.push({ do: 'close', session, code: 'resync' })
  const device = letIn(state, message, turn)
  if (typeof device === 'string') return void turn.effects.push({ do: 'close', session, code: device })
  // References rise. An older session is attached again where the actor crashed before the node knew that its link is dead.
  if (device.session > session) return void turn.effects.push({ do: 'close', session, code: 'replaced' })
  if (message.again && device.session !== 0 && device.session !== session)
    return void turn.effects.push({ do: 'close', session, code: 'restarted' })
  if (device.session !== 0 && device.session !== session)
    turn.effects.push({ do: 'close', session: device.session, code: 'replaced' })
  const lost = lostBy(device, cursor, turn)
  if (lost) tellSiblings(state, turn)
  if (lost || device.seenAt === unwelcomed) recallReads(state, turn)
  attach(state.log, device, session, cursor, lost, turn)
}

function detachDevice(state: UserState, device: Reader, turn: UserTurn): void {
  detach(state.log, device, turn)
  tellLeaving(state, turn)
  if (state.work) writeLater(state, turn)
}

function ackOf({ log }: UserState, { session, seq }: Extract<UserMessage, { is: 'ack' }>, turn: UserTurn): void {
  const device = readerOf(log, session)
  if (!device) return
  const isAbove = seq > log.tail
  if (isAbove || !ack(log, device, seq, turn)) turn.effects.push({ do: 'wasted', session })
  if (isAbove) turn.effects.push({ do: 'refuse', session, kind: 'ack', ref: null, code: 'ack_above_tail' })
}

function scannedFor(state: UserState, message: Extract<UserMessage, { is: 'scanned' }>, turn: UserTurn): void {
  const { what, from, entries } = message
  switch (what) {
    case 'senders':
      return scanned(state, from, entries, turn)
    case 'known': {
      const durable = entries?.filter(({ seq }) => seq <= state.log.tail) ?? null
      if (!recalled(state, durable, turn)) return
      recalledReads(state, durable ?? [], turn)
      return writeLater(state, turn)
    }
    default:
      return never(what)
  }
}

/** What was told at once becomes entries; of what may be known already the latest entries are looked through first. */
function writeLater(state: UserState, turn: UserTurn, lazy = false): void {
  workOf(state).laterSince = 0
  writeNews(state, lazy, turn)
  writeReads(state, lazy, turn)
  recall(state, turn)
}

function timer(state: UserState, timer: UserTimer, turn: UserTurn): void {
  switch (timer) {
    case 'receipts':
    case 'awaited':
      workOf(state).timers.delete(timer)
      return writeLater(state, turn, timer === 'receipts')
    case 'retell':
      workOf(state).timers.delete(timer)
      return retell(state, turn)
    case 'chats':
      workOf(state).timers.delete(timer)
      return listNext(state, turn)
    case 'wipe':
      return wipeAgain(state, turn)
    case 'append':
    case 'save':
    case 'rename':
    case 'saveAcks':
    case 'stay':
    case 'start':
      return logTimer(state.log, timer, turn)
    default:
      return never(timer)
  }
}
