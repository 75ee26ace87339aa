/** A load generator: many users in one process. The bench runs several, and tells when they were the bottleneck. */
import { answer } from './child.ts'
import type { Target } from './socket.ts'
import { wire } from './socket.ts'
import { Counts, nameOf, User } from './user.ts'

type Open = {
  readonly target: Target
  readonly prefix: string
  /** Users [from, from + count). */
  readonly from: number
  readonly count: number
  /** Each opened user has this many entries to get before it counts as open; 0: none. */
  readonly entries?: number
}
/** `pairs`: user 2k sends to 2k + 1. `hot`: all send to the user `to`. */
type Pump = {
  readonly kind: 'pairs' | 'hot'
  readonly to: number
  readonly bodyBytes: number
  /** Messages in flight of each sender, or messages per second of this process. */
  readonly inFlight: number
  readonly rate: number
}
type Mix = { readonly target: Target; readonly seconds: number; readonly bodyBytes: number }
type Fill = { readonly from: number; readonly count: number; readonly each: number; readonly bodyBytes: number }
export type Totals = {
  readonly sent: number
  readonly received: number
  readonly delivered: number
  readonly entries: number
  readonly duplicated: number
  readonly disordered: number
  readonly failures: readonly string[]
  readonly sentBuckets: readonly number[]
  readonly deliveredBuckets: readonly number[]
  readonly wireBytes: number
  readonly cpuUs: number
}

/** Connections that are being opened at a time: the listen backlog is 512, and several processes share it. */
const opening = 64
/** Users of one client address: each connection needs a port of its own there. */
const perAddress = 5_000
/** Messages in flight of a sender that fills inboxes: 64 senders stay within `appendsInFlight` of one inbox. */
const fillInFlight = 16

let users: User[] = []
let prefix = ''
let counts = new Counts()
let pumping = false
let ticking: NodeJS.Timeout | undefined

answer({ open, pump, fill, beat, mix, totals, mark, drain, close })

const addressOf = (index: number) => `127.0.0.${2 + (Math.floor(index / perAddress) % 250)}`

function open(job: Open, progress: (done: number) => void): Promise<void> {
  prefix = job.prefix
  let next = 0
  let done = 0
  return new Promise((resolve) => {
    const one = () => {
      if (next === job.count) return
      const index = job.from + next++
      const user = new User(index, prefix, job.target, addressOf(index), counts)
      users.push(user)
      let wanted = job.entries ?? 0
      const ready = () => {
        user.ready = () => {}
        done += 1
        if (done % 100 === 0) progress(done)
        if (done === job.count) resolve()
        one()
      }
      user.ready = wanted === 0 ? ready : () => {}
      if (wanted > 0)
        user.entry = () => {
          wanted -= 1
          if (wanted === 0) ready()
        }
    }
    for (let i = 0; i < opening; i++) one()
    if (job.count === 0) resolve()
  })
}

function pump({ kind, to, bodyBytes, inFlight, rate }: Pump): void {
  pumping = true
  for (const user of users) user.turn = () => {}
  const senders =
    kind === 'hot' ? users.filter(({ index }) => index !== to) : users.filter(({ index }) => index % 2 === 0)
  const peer = (user: User) => nameOf(prefix, kind === 'hot' ? to : user.index + 1)
  if (rate > 0) return atRate(senders, peer, bodyBytes, rate)
  for (const user of senders) {
    const body = payload(bodyBytes)
    const name = peer(user)
    user.turn = () => {
      const now = performance.now()
      while (pumping && user.inFlight < inFlight) user.send(name, body, now)
    }
    user.turn()
    user.flush()
  }
}

/** Open loop: messages are due at their time, also when the node is late, and latency counts from then. */
function atRate(senders: readonly User[], peer: (user: User) => string, bodyBytes: number, rate: number): void {
  const body = payload(bodyBytes)
  const names = senders.map(peer)
  const start = performance.now()
  let sent = 0
  ticking = setInterval(() => {
    const due = Math.floor(((performance.now() - start) * rate) / 1_000)
    for (; sent < due; sent++) {
      const user = senders[sent % senders.length] as User
      user.send(names[sent % senders.length] as never, body, start + (sent * 1_000) / rate)
      user.flush()
    }
  }, 1)
}

/** Sends `each` messages to each of the users [from, from + count), which are not connected; done when all are durable. */
function fill({ from, count, each, bodyBytes }: Fill, progress: (done: number) => void): Promise<void> {
  const total = count * each
  if (total === 0) return Promise.resolve()
  let next = 0
  let accepted = 0
  return new Promise((resolve, reject) => {
    counts.failed = (reason) => reject(new Error(reason))
    for (const user of users) {
      const body = payload(bodyBytes)
      let open = 0
      const more = () => {
        while (next < total && open < fillInFlight) {
          open += 1
          user.send(nameOf(prefix, from + (next++ % count)), body, performance.now())
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
function beat({ everyMs }: { everyMs: number }): void {
  const sliceMs = 50
  let owed = 0
  let next = 0
  ticking = setInterval(() => {
    for (owed += (users.length * sliceMs) / everyMs; owed >= 1; owed--) users[next++ % users.length]?.say(['ping', 0])
  }, sliceMs)
}

/**
 * A day-like mix: of a hundred users two write, every few seconds, to a friend whose presence they watch; every fourth message
 * goes to someone who is offline, as one user in twenty is until the end. Done when all of them have what was sent.
 */
async function mix({ target, seconds, bodyBytes }: Mix): Promise<void> {
  const active = users.filter((_, n) => n % 50 === 0)
  const offline = users.filter((_, n) => n % 20 === 7)
  const friend = ({ index }: User) => nameOf(prefix, index ^ 1)
  for (const user of active) user.say(['watch', friend(user)])
  for (const user of offline) user.close()
  users = users.filter((user) => !offline.includes(user))
  const body = payload(bodyBytes)
  const everyMs = 5_000 / active.length
  let sent = 0
  const start = performance.now()
  while (performance.now() - start < seconds * 1_000) {
    for (; sent < (performance.now() - start) / everyMs; sent++) {
      const user = active[sent % active.length] as User
      const away = offline[sent % offline.length] as User
      user.send(sent % 4 === 0 ? away.name : friend(user), body, performance.now())
      user.flush()
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await Promise.all(offline.map(({ index }) => open({ target, prefix, from: index, count: 1 }, () => {})))
  const until = Date.now() + 10_000
  while (counts.received < counts.sent && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50))
}

function payload(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(Math.max(8, bytes)))
}

/** Starts the window of measurement. */
function mark(): void {
  counts.sentMs.buckets.length = 0
  counts.deliveredMs.buckets.length = 0
}

function totals(): Totals {
  const { sent, received, delivered, entries, duplicated, disordered, failures, sentMs, deliveredMs } = counts
  const { user, system } = process.cpuUsage()
  return {
    sent,
    received,
    delivered,
    entries,
    duplicated,
    disordered,
    failures,
    sentBuckets: sentMs.buckets,
    deliveredBuckets: deliveredMs.buckets,
    wireBytes: wire.sent + wire.received,
    cpuUs: user + system,
  }
}

/** Stops sending and waits, at most 10 s, until every message has its receipt. */
async function drain(): Promise<Totals> {
  pumping = false
  clearInterval(ticking)
  const until = Date.now() + 10_000
  while (counts.delivered < counts.sent && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20))
  return totals()
}

function close(): void {
  clearInterval(ticking)
  for (const user of users) user.close()
  users = []
  counts = new Counts()
}
