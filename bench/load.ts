/** What the users of a generator do: talk in pairs or to one, fill the inboxes of others, ping, or live a day. */
import type { UserId } from '../src/protocol/ids.ts'
import { crowd, open } from './crowd.ts'
import { groupOf, ownersOf } from './groups.ts'
import type { Target } from './socket.ts'
import { now, payload } from './stamp.ts'
import { nameOf, type User } from './user.ts'

/** `pairs`: user 2k sends to 2k + 1. `hot`: all send to the user `to`. `groups`: the first of `to` users to all of them. */
type Pump = {
  readonly kind: 'pairs' | 'hot' | 'groups'
  readonly to: number
  readonly bodyBytes: number
  /** Messages in flight of each sender, or messages per second of this process. */
  readonly inFlight: number
  readonly rate: number
}
type Mix = { readonly target: Target; readonly seconds: number; readonly bodyBytes: number }
type Fill = { readonly from: number; readonly count: number; readonly each: number; readonly bodyBytes: number }

/** Messages in flight of a sender that fills inboxes: 64 senders stay within `appendsInFlight` of one inbox. */
const fillInFlight = 16

export function pump({ kind, to, bodyBytes, inFlight, rate }: Pump): void {
  crowd.pumping = true
  for (const user of crowd.users) user.turn = () => {}
  const [senders, peer] = who(kind, to)
  if (rate > 0) return atRate(senders, peer, payload(bodyBytes), rate)
  for (const user of senders) {
    const body = payload(bodyBytes)
    const name = peer(user)
    user.turn = () => {
      const at = now()
      while (crowd.pumping && user.inFlight < inFlight) user.send(name, body, at)
    }
    user.turn()
    user.flush()
  }
}

/** Who sends, and to whom. */
function who(kind: Pump['kind'], to: number): [User[], (user: User) => UserId] {
  const { users, prefix } = crowd
  switch (kind) {
    case 'pairs':
      return [users.filter(({ index }) => index % 2 === 0), ({ index }) => nameOf(prefix, index + 1)]
    case 'hot':
      return [users.filter(({ index }) => index !== to), () => nameOf(prefix, to)]
    case 'groups':
      return [ownersOf(users, to), ({ index }) => groupOf(prefix, index)]
  }
}

/** Open loop: messages are due at their time, also when the node is late, and latency counts from then. */
export function atRate<To, Sender extends { send(to: To, body: Uint8Array, at: number): void; flush(): void }>(
  senders: readonly Sender[],
  peer: (user: Sender) => To,
  body: Uint8Array,
  rate: number,
): void {
  const names = senders.map(peer)
  const start = now()
  let sent = 0
  crowd.ticking = setInterval(() => {
    // The first is due at once.
    const due = Math.floor(((now() - start) * rate) / 1_000) + 1
    for (; sent < due; sent++) {
      const user = senders[sent % senders.length] as Sender
      const dueAt = start + (sent * 1_000) / rate
      user.send(names[sent % senders.length] as To, body, dueAt)
      user.flush()
      crowd.counts.ms.late.record(now() - dueAt)
    }
  }, 1)
}

/** Sends `each` messages to each of the users [from, from + count), which are not connected; done when all are durable. */
export function fill({ from, count, each, bodyBytes }: Fill, progress: (done: number) => void): Promise<void> {
  const total = count * each
  if (total === 0) return Promise.resolve()
  let next = 0
  let accepted = 0
  return new Promise((resolve, reject) => {
    crowd.counts.failed = (reason) => reject(new Error(reason))
    for (const user of crowd.users) {
      const body = payload(bodyBytes)
      let open = 0
      const more = () => {
        while (next < total && open < fillInFlight) {
          open += 1
          user.send(nameOf(crowd.prefix, from + (next++ % count)), body, now())
        }
      }
      user.accepted = () => {
        open -= 1
        accepted += 1
        if (accepted % 1_000 === 0) progress(accepted)
        if (accepted === total) resolve()
      }
      user.turn = more
      more()
      user.flush()
    }
  })
}

/** Each user pings once in `everyMs`, as the SDK does while nothing comes; spread over that time. */
export function beat({ everyMs }: { everyMs: number }): void {
  const sliceMs = 50
  let owed = 0
  let next = 0
  crowd.ticking = setInterval(() => {
    for (owed += (crowd.users.length * sliceMs) / everyMs; owed >= 1; owed--)
      crowd.users[next++ % crowd.users.length]?.say(['ping', 0])
  }, sliceMs)
}

/**
 * A day-like mix: of a hundred users two write, every few seconds, to a friend whose presence they watch; every fourth message
 * goes to someone who is offline, as one user in twenty is until the end. Done when all of them have what was sent.
 */
export async function mix({ target, seconds, bodyBytes }: Mix): Promise<void> {
  const active = crowd.users.filter((_, n) => n % 50 === 0)
  const offline = crowd.users.filter((_, n) => n % 20 === 7)
  const friend = ({ index }: User) => nameOf(crowd.prefix, index ^ 1)
  for (const user of active) user.say(['watch', friend(user)])
  for (const user of offline) user.close()
  crowd.users = crowd.users.filter((user) => !offline.includes(user))
  const body = payload(bodyBytes)
  const everyMs = 5_000 / active.length
  let sent = 0
  const start = now()
  while (now() - start < seconds * 1_000) {
    for (; sent < (now() - start) / everyMs; sent++) {
      const user = active[sent % active.length] as User
      const away = offline[sent % offline.length] as User
      user.send(sent % 4 === 0 ? away.name : friend(user), body, now())
      user.flush()
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await Promise.all(offline.map(({ index }) => open({ target, prefix: crowd.prefix, from: index, count: 1 }, () => {})))
  const until = performance.now() + 10_000
  while (crowd.counts.received < crowd.counts.sent && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 50))
}
