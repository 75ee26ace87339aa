/** Times and states in words. Pure: the time now is passed in. */
import { type ConnectionStatus, type Lifetime, type MessageState, type Presence, timerOf } from '../client/index.ts'

/** Made once: to make one takes longer than all else of a line. */
const clockFormat = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit' })

export const clock = (time: number): string => clockFormat.format(time)

const midnight = (time: number): number => new Date(time).setHours(0, 0, 0, 0)

/** Today, Yesterday, the weekday within a week, else the date. */
export function day(time: number, now: number): string {
  const days = Math.round((midnight(now) - midnight(time)) / 86_400_000)
  if (days <= 0) return 'Today'
  if (days === 1) return 'Yesterday'
  if (days < 7) return new Date(time).toLocaleDateString([], { weekday: 'long' })
  return new Date(time).toLocaleDateString([], { day: 'numeric', month: 'long', year: 'numeric' })
}

/** From when on a browser has what its person wrote. */
export const gapWords = (began: number): string =>
  `This browser was added on ${new Date(began).toLocaleDateString([], { day: 'numeric', month: 'long', year: 'numeric' })} at ${clock(began)}. What you wrote before that on other devices may be missing here.`

/** For a list: the time today, else the day. */
export const when = (time: number, now: number): string => (day(time, now) === 'Today' ? clock(time) : day(time, now))

/** When something ends: the time today, else with its day. */
export function untilWords(time: number, now: number): string {
  if (midnight(time) === midnight(now)) return clock(time)
  return `${new Date(time).toLocaleDateString([], { weekday: 'short', day: 'numeric', month: 'short' })}, ${clock(time)}`
}

export function presenceWords(presence: Presence, now: number): string {
  if (presence.online) return 'online'
  if (!presence.lastSeen) return ''
  const time = presence.lastSeen.getTime()
  const on = day(time, now)
  return `last seen ${on === 'Today' || on === 'Yesterday' ? on.toLowerCase() : on} at ${clock(time)}`
}

/** "ann, ben and cat"; of more than four "ann, ben, cat and 7 others". */
export function names(all: readonly string[]): string {
  const shown = all.length > 4 ? [...all.slice(0, 3), `${all.length - 3} others`] : all
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

/** Bytes in the unit that people use. */
export function fileSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} KB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

const units = [
  ['week', 604_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

/** A time in the largest unit that it is a multiple of. */
function spanWords(ms: number): string {
  const [unit, length] = units.find(([, length]) => ms % length === 0) ?? ['second', 1_000]
  const count = Math.round(ms / length)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** What is left of a time, short and rounded up. */
export function leftWords(ms: number): string {
  const [unit, length] = units.find(([, length]) => ms > length) ?? ['second', 1_000]
  return `${Math.max(0, Math.ceil(ms / length))} ${unit === 'minute' ? 'min' : unit.charAt(0)}`
}

/** What becomes of messages, as the end of a sentence. */
export function lifetimeWords(lifetime: string): string {
  const timer = timerOf(lifetime)
  if (timer) return `messages disappear ${spanWords(timer.ms)} after they are ${timer.start}`
  if (lifetime === 'permanent') return 'messages are kept until you delete them'
  if (lifetime === 'temporary') return 'messages are kept on the server only until they are delivered'
  return 'messages are kept for as long as the server is set to, usually 30 days'
}

const [minute, hour, day1] = [60_000, 3_600_000, 86_400_000]

/** What a person may choose for a chat. */
export const lifetimes: readonly Lifetime[] = [
  'default',
  'permanent',
  'temporary',
  'read 30000',
  `read ${5 * minute}`,
  `read ${hour}`,
  `read ${day1}`,
  `delivered ${hour}`,
  `delivered ${day1}`,
  `delivered ${7 * day1}`,
]

/** A lifetime as a choice. */
export function choiceWords(lifetime: Lifetime): string {
  const timer = timerOf(lifetime)
  if (timer) return `For ${spanWords(timer.ms)} after they are ${timer.start}`
  if (lifetime === 'permanent') return 'Until each person deletes them'
  return lifetime === 'temporary'
    ? 'On the server until delivered'
    : 'As long as the server is set to (usually 30 days)'
}

export const stateWords: Record<MessageState, string> = {
  queued: 'waiting to be sent',
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  refused: 'not sent',
}

const refusals: Record<string, string> = {
  blocked: 'you have been blocked',
  not_taken: 'they only get messages from their contacts',
  not_a_member: 'you are not in this group',
  unknown_group: 'there is no such group',
  too_large: 'it is too long',
  bad_id: 'this name does not exist',
  unknown_media: 'the file is no longer available',
  cancelled: 'taken back',
  no_keys: 'it cannot be encrypted. Press the lock above to see why',
  not_sealed: 'this server takes only encrypted messages between two people. Press the lock above',
}

/** Why a message will not be sent. */
/** Why a picture, video or file cannot be shown. */
export const lackWords = ({ code }: { readonly code?: string }): string =>
  lacks[code ?? ''] ?? `It cannot be had now${code ? `: ${code}` : ''}`
const lacks: Record<string, string> = {
  wrong_hash: 'Not shown: it is not what was sent',
  unknown_media: 'The server does not have it any more',
}

export const refusalWords = (code: string | null): string => `Not sent: ${refusals[code ?? ''] ?? code}`

export type Banner = { readonly text: string; readonly aside?: string; readonly action?: 'retry' | 'reload' | 'leave' }

/** What is to be said about the connection; undefined when all is well. */
export function bannerFor(connection: ConnectionStatus, now: number): Banner | undefined {
  switch (connection.is) {
    case 'online':
      return undefined
    case 'connecting':
      return { text: 'Connecting…' }
    case 'waiting': {
      const seconds = Math.max(0, Math.ceil((connection.retryAt - now) / 1_000))
      return {
        text: 'No connection. Messages will be sent when you are back online.',
        aside: `Next try in ${seconds} s`,
        action: 'retry',
      }
    }
    case 'closed':
      return ended(connection.code)
  }
}

/** Why the connection is over for good. */
export const closedWords = (code: string): string => ended(code).text

function ended(code: string): Banner {
  if (code === 'replaced' || code === 'storage_taken')
    return { text: 'Bluetick is open in another tab.', action: 'reload' }
  if (code === 'removed')
    return { text: 'This browser was removed from your devices. Your chats on it were deleted.', action: 'leave' }
  if (code === 'bad_token')
    return { text: 'You need a valid token to sign in. Yours is missing, wrong or has expired.', action: 'leave' }
  if (code === 'banned')
    return { text: 'This account has been banned. Ask whoever runs this server why.', action: 'leave' }
  if (code === 'storage_locked')
    return {
      text: 'This browser has lost the key of what it kept of your chats, so that was deleted. Sign in again.',
      action: 'leave',
    }
  if (code === 'storage_of_another_user') return { text: 'This token belongs to another name.', action: 'leave' }
  if (code === 'too_many_devices')
    return {
      text: 'You are signed in on as many devices as this server allows. Remove one of them first.',
      action: 'leave',
    }
  return { text: `Disconnected (${code}).`, action: 'reload' }
}
