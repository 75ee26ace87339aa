/**
 * A user actor that hibernates, as text: about 48 bytes with one device, where its state takes 400. Fields are joined, not
 * stringified: what JSON.stringify makes of them stays in parts, which take 46 bytes more. Numbers are in base 36, which saves
 * 16. A line for the log, and one for each reader, of fields between tabs, without those that are empty at its end: no id holds a tab, or ends a line.
 */
import type { ChatId, DeviceId, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import { awayReader, startLog } from '../log/state.ts'
import type { LogState, Reader } from '../log/types.ts'
import { openSettings } from '../settings.ts'
import type { UserState } from './state.ts'

/** The numbers of the log, and those of each reader, in the order in which they are written: last what most do not have. */
const ofLog = ['epoch', 'head', 'tail', 'lastTime', 'settled', 'unsaved'] as const
const ofReader = ['seenAt', 'session', 'acked', 'pushed'] as const
/** What most users do not have: settings of their own, timers that wait, and reads that are not saved. */
type More = Partial<Settings> & {
  readonly waiting?: LogState['waiting']
  readonly was?: number
  readonly alone?: readonly [ChatId, Seq][]
}

/** Only what may hibernate: no work is under way, and no device has anything to acknowledge. */
export function packUser(state: UserState): string {
  const { log } = state
  const more = moreOf(state)
  const began = log.lives.flatMap(({ term, from }) => [text(term), text(from)])
  const own = ofLog.map((name) => text(log[name]))
  const lines = [line([...own, text(Number(log.saveTimed)), began.join(' '), more ? JSON.stringify(more) : ''])]
  for (const reader of log.readers) {
    // One that catches up keeps its actor awake.
    const standing = text(Number(reader.phase === 'live') + 2 * Number(reader.toldLive))
    lines.push(line([reader.device, standing, ...ofReader.map((name) => text(reader[name]))]))
  }
  return lines.join('\n')
}

function line(fields: string[]): string {
  while (fields.at(-1) === '') fields.pop()
  return fields.join('\t')
}

/** Nothing for 0, which most of them are. */
const text = (number: number): string => (number === 0 ? '' : number.toString(36))
const number = (text: string | undefined): number => (text ? Number.parseInt(text, 36) : 0)

function moreOf({ settings, alone, log: { waiting, was } }: UserState): More | null {
  const more = { ...(waiting && { waiting }), ...(was > 0 && { was }), ...(alone && { alone: [...alone] }) }
  if (settings === openSettings) return waiting || was > 0 || alone ? more : null
  const { lifetimes, ...choices } = settings
  return { ...choices, ...(lifetimes.length > 0 && { lifetimes }), ...more }
}

/** Terms and seqs, one after the other. */
function livesOf(text: string | undefined): LogState['lives'] {
  const numbers = text ? text.split(' ').map(number) : []
  return numbers.flatMap((term, at) => (at % 2 === 0 ? { term, from: numbers[at + 1] as number } : []))
}

export function unpackUser(user: UserId, record: string): UserState {
  const [own = '', ...readers] = record.split('\n')
  const fields = own.split('\t')
  const [saveTimed, lives, few] = fields.slice(ofLog.length)
  const { waiting = null, was = 0, alone: reads, ...set }: More = few ? JSON.parse(few) : {}
  const log = startLog(user, undefined, 0)
  for (const [at, name] of ofLog.entries()) log[name] = number(fields[at])
  Object.assign(log, { was, waiting, lives: livesOf(lives), saveTimed: number(saveTimed) === 1 })
  log.readers.push(...readers.map((reader) => readerOf(reader.split('\t'))))
  const settings = set.lastSeen ? { ...openSettings, ...set } : openSettings
  return { user, log, settings, alone: reads ? new Map(reads) : null, work: null }
}

function readerOf([device, standing, ...fields]: readonly string[]): Reader {
  const reader = awayReader(device as DeviceId, 0, 0)
  for (const [at, name] of ofReader.entries()) reader[name] = number(fields[at])
  if (number(standing) & 1) reader.phase = 'live'
  reader.toldLive = number(standing) > 1
  return reader
}
