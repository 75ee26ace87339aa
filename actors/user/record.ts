/**
 * A user actor that hibernates, as text: about 56 bytes with one device, where its state takes 400. Fields are joined, not
 * stringified: what JSON.stringify makes of them stays in parts, which take 46 bytes more. Numbers are in base 36, which saves
 * 16. No id holds a tab.
 */
import type { DeviceId, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import { openSettings } from '../settings.ts'
import { awayDevice } from './state.ts'
import type { Device, UserState } from './types.ts'

/** What most users do not have: settings of their own, and timers that wait. */
type More = Partial<Settings> & { readonly waiting?: UserState['waiting']; readonly was?: number }

/** Fields of the user, and of each device. */
const [own, each] = [9, 7]

/** Only what may hibernate: no work is under way, and no device has anything to acknowledge. */
export function packUser(state: UserState): string {
  const { epoch, head, tail, lastTime, settled, unsaved, saveTimed, lives } = state
  const more = moreOf(state)
  const numbers = [epoch, head, tail, lastTime, settled, unsaved, Number(saveTimed)]
  const began = lives.flatMap(({ term, from }) => [text(term), text(from)])
  const fields = [...numbers.map(text), began.join(' '), more ? JSON.stringify(more) : '']
  for (const { device, session, phase, acked, pushed, seenAt, told } of state.devices)
    fields.push(device, phase, ...[session, acked, pushed, seenAt, Number(told)].map(text))
  return fields.join('\t')
}

/** Nothing for 0, which most of them are. */
const text = (number: number): string => (number === 0 ? '' : number.toString(36))
const number = (text: string): number => (text === '' ? 0 : Number.parseInt(text, 36))

function moreOf({ settings, waiting, was }: UserState): More | null {
  const more = { ...(waiting && { waiting }), ...(was > 0 && { was }) }
  if (settings === openSettings) return waiting || was > 0 ? more : null
  const { lifetimes, ...choices } = settings
  return { ...choices, ...(lifetimes.length > 0 && { lifetimes }), ...more }
}

/** Terms and seqs, one after the other. */
function livesOf(text: string): UserState['lives'] {
  const numbers = text === '' ? [] : text.split(' ').map(number)
  return numbers.flatMap((term, at) => (at % 2 === 0 ? { term, from: numbers[at + 1] as number } : []))
}

export function unpackUser(user: UserId, record: string): UserState {
  const fields = record.split('\t')
  const [epoch, head, tail, lastTime, settled, unsaved, saveTimed] = fields.slice(0, own - 2).map(number) as Numbers
  const { waiting = null, was = 0, ...set }: More = fields[own - 1] ? JSON.parse(fields[own - 1] as string) : {}
  const devices: Device[] = []
  for (let from = own; from < fields.length; from += each) devices.push(deviceOf(fields.slice(from, from + each)))
  return {
    user,
    epoch,
    was,
    lives: livesOf(fields[own - 2] as string),
    head,
    tail,
    lastTime,
    settled,
    unsaved,
    saveTimed: saveTimed === 1,
    settings: set.lastSeen ? { ...openSettings, ...set } : openSettings,
    devices,
    waiting,
    work: null,
  }
}

type Numbers = [number, number, number, number, number, number, number]

function deviceOf(fields: readonly string[]): Device {
  const [device, phase, ...numbers] = fields as [DeviceId, Device['phase'], ...string[]]
  const [session, acked, pushed, seenAt, told] = numbers.map(number) as Numbers
  return { ...awayDevice(device, acked, seenAt), session, phase, pushed, told: told === 1 }
}
