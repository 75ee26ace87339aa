/** What is to be made good, as the storage has it: messages that this device could not read, and what others ask of what it has sent. */
import type { EntryFrame } from '../../protocol/frames.ts'
import type { Body, MediaRef, Millis } from '../../protocol/ids.ts'
import { timerOf } from '../../protocol/lifetime.ts'
import { systemClock } from '../clock.ts'
import type { Payload } from './payload.ts'

export type Carrying = Extract<EntryFrame, readonly ['message' | 'copy', ...unknown[]]>

/** A message that was not read. `frame`: without its body. `user`, `device`: who has sent it. */
export type Wanted = {
  readonly frame: Carrying
  readonly epoch: number
  readonly user: string
  readonly device: string
  readonly why: string
  /** How often it was asked for, and whether that is at the server. */
  readonly tries: number
  readonly asked: boolean
  /** When it came, by the clock of this device. */
  readonly at: Millis
}
/** A device could not read a message that this one has sent. */
export type Task = { readonly user: string; readonly device: string; readonly id: string }
export const taskName = ({ user, device, id }: Task): string => [user, device, id].join('\n')
/** What was sent, as long as somebody may ask for it. `ns`: by user, whom it was sealed for, how many links of their chain were known. */
export type Logged = {
  readonly to: string
  readonly body: Body
  readonly media?: MediaRef | undefined
  readonly ns: Readonly<Record<string, number>>
  readonly until: Millis
  readonly says?: Pick<Payload, 'change' | 'list'>
  /** In the log of the group, once it stands there. */
  readonly at?: number
  /** When the server has said so. */
  readonly stood?: Millis
}
export type Sets = readonly (readonly [key: string, value: unknown])[]

/** Bytes of what was sent that are kept; beyond these the oldest go. */
const logBytes = 10 * 1024 * 1024
/** Things that devices of one user ask for, which wait: for the person to accept that user, say. Beyond these the oldest are not answered. */
const mostTasks = 256
/** Of all users, as many of whom a server can make up: messages that are wanted, and things that are asked for. */
export const mostOfAll = 1_024
/** Milliseconds in which a pairing that was begun for a repair is the one for the next, too. In these no more than `mostOfAll` are begun so. */
export const begunMs = 600_000

/** What a message costs besides its body. */
const around = 200

const sizeOf = ({ body, media }: Logged): number => body.length + (media?.preview?.length ?? 0) + around

/** It has vanished since it came: for whom it was sent from there on, and for its own sender from when it was sent. */
export function hasVanished({ frame, at }: Wanted): boolean {
  const isCopy = frame[0] === 'copy'
  const timer = timerOf((isCopy ? frame[9] : frame[8]) ?? '')
  return timer !== undefined && (isCopy || timer.start === 'delivered') && systemClock.now() - at >= timer.ms
}

export class Repairs {
  readonly wanted = new Map<string, Wanted>()
  readonly tasks = new Map<string, Task>()
  readonly #log = new Map<string, Logged>()
  #bytes = 0
  /** When the first of the log is over. */
  #soonest = Number.POSITIVE_INFINITY

  load(kind: string, name: string, value: unknown): void {
    if (kind === 'want') this.wanted.set(name, value as Wanted)
    if (kind === 'task') this.tasks.set(name, value as Task)
    if (kind === 'log') this.#add(name, value as Logged)
  }

  logged(id: string): Logged | undefined {
    const found = this.#log.get(id)
    return found && found.until > systemClock.now() ? found : undefined
  }

  log(id: string, logged: Logged): Sets {
    const gone = [...this.#drop(id)]
    this.#add(id, logged)
    for (const oldest of this.#log.keys()) {
      if (oldest === id || this.#bytes <= logBytes) break
      gone.push(...this.#drop(oldest))
    }
    return [...gone, [`log:${id}`, logged]]
  }

  /** Nobody may ask for it any more, or it has vanished. */
  over(): Sets {
    const now = systemClock.now()
    if (now < this.#soonest) return []
    const gone = [...this.#log].flatMap(([id, { until }]) => (until <= now ? this.#drop(id) : []))
    this.#soonest = [...this.#log.values()].reduce(
      (least, { until }) => Math.min(least, until),
      Number.POSITIVE_INFINITY,
    )
    return gone
  }

  stands(id: string, at: number): Sets {
    const logged = this.#log.get(id)
    return logged ? this.log(id, { ...logged, at, stood: systemClock.now() }) : []
  }

  /** What vanishes for its sender vanishes here. */
  vanishes(id: string, until: Millis): Sets {
    const logged = this.#log.get(id)
    return logged ? this.log(id, { ...logged, until: Math.min(until, logged.until) }) : []
  }

  /** Its person has deleted a chat. */
  forget(chat: string): Sets {
    return [...this.#log].flatMap(([id, { to }]) => (to === chat ? this.#drop(id) : []))
  }

  /** How many of a user's messages are wanted. */
  wantedOf(user: string): number {
    return [...this.wanted.values()].filter((wanted) => wanted.user === user).length
  }

  want(name: string, wanted: Wanted | undefined): Sets {
    if (wanted) this.wanted.set(name, wanted)
    else if (!this.wanted.delete(name)) return []
    return [[`want:${name}`, wanted]]
  }

  task({ user, device, id }: Task): Sets {
    const name = taskName({ user, device, id })
    const task = { user, device, id }
    this.tasks.set(name, task)
    const theirs = [...this.tasks].filter(([, other]) => other.user === user)
    const [oldest] =
      (theirs.length > mostTasks ? theirs[0] : this.tasks.size > mostOfAll ? [...this.tasks][0] : []) ?? []
    if (oldest === undefined) return [[`task:${name}`, task]]
    this.tasks.delete(oldest)
    return [
      [`task:${oldest}`, undefined],
      [`task:${name}`, task],
    ]
  }

  #add(id: string, logged: Logged): void {
    this.#log.set(id, logged)
    this.#bytes += sizeOf(logged)
    this.#soonest = Math.min(this.#soonest, logged.until)
  }

  #drop(id: string): Sets {
    const logged = this.#log.get(id)
    if (!logged) return []
    this.#log.delete(id)
    this.#bytes -= sizeOf(logged)
    return [[`log:${id}`, undefined]]
  }
}
