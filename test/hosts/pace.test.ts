/** A client that does as docs/writing-a-client.md says gets the rates that the limits promise. On a virtual clock, without sockets. */
import { describe, expect, it } from 'vitest'
import { isForNow } from '../../actors/lanes.ts'
import { receive, startSession } from '../../actors/session/session.ts'
import type { SessionEffect, SessionMessage } from '../../actors/session/types.ts'
import { openSettings } from '../../actors/settings.ts'
import { Rates } from '../../src/hosts/sessions/rates.ts'
import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { ClientFrame } from '../../src/protocol/frames.ts'
import type { DeviceId, MessageId, UserId } from '../../src/protocol/ids.ts'
import { asked } from '../actors/turns.ts'

const limits = { framesPerSecond: 500, sendsPerSecond: 1_000, sendsPerSecondToOne: 500 }
type Given = Partial<typeof limits & { sendsInFlight: number }>
const ann = 'ann' as UserId

/** A node for one connection: the session, the rates of its user, and recipients that take everything. */
class Node {
  now = 1
  closed: string | null = null
  readonly limits
  readonly state
  readonly rates
  readonly taken: number[] = []
  refused = 0
  /** What the client hears. */
  said: (frame: readonly unknown[]) => void = () => {}

  constructor(given: Given) {
    this.limits = { ...limits, sendsInFlight: 256, watches: 1, listed: 1, ...given }
    this.state = startSession(this.limits, this.now)
    this.rates = new Rates(this.limits)
    this.#tell({ is: 'frame', frame: ['hello', 'ann', 'phone', 0, 0, false] })
    this.#tell({ is: 'allowed', user: ann, device: 'phone' as DeviceId })
    this.#tell({ is: 'welcomed', siblings: false, settings: openSettings })
  }

  say(frame: ClientFrame): void {
    this.#tell({ is: 'frame', frame })
  }

  #tell(message: SessionMessage): void {
    for (const effect of asked(receive, this.state, message, { now: this.now, limits: this.limits }))
      this.#perform(effect)
  }

  #perform(effect: SessionEffect): void {
    if (effect.do === 'close') this.closed = effect.code
    if (effect.do === 'push') {
      if (effect.frame[0] === 'error') this.refused += 1
      this.said(effect.frame)
    }
    if (effect.do !== 'deliver') return
    const { send, step } = effect
    const wait = this.rates.take(ann, send[2], 1, this.now)
    const answered = { is: 'answered', send, step } as const
    if (wait) return this.#tell({ ...answered, answer: { is: 'refused', code: 'rate_limited', ...wait } })
    this.taken.push(Number(send[3]))
    const at = { epoch: 1, seq: this.taken.length }
    this.#tell({ ...answered, answer: { is: 'accepted', at, time: this.now } })
  }
}

type Line = { next: number; back: number[]; until: number }

/** Sends as the page says: no more than `window` without a final answer; after an error it waits for all answers, then for the longest time told. */
class Sender {
  readonly #node: Node
  readonly #lines: Line[]
  readonly #window: number
  readonly #each: number
  /** Without a final answer. */
  #open = 0

  constructor(node: Node, window: number, recipients: number, each: number) {
    this.#node = node
    this.#window = window
    this.#each = each
    this.#lines = Array.from({ length: recipients }, () => ({ next: 0, back: [], until: 0 }))
    node.said = (frame) => this.#hear(frame)
  }

  get done(): boolean {
    return this.#lines.every(({ next, back }) => next === this.#each && back.length === 0)
  }

  step(): void {
    const ready = this.#lines.filter(({ until }) => until <= this.#node.now)
    for (let moved = true; moved; ) {
      moved = false
      for (const line of ready) {
        const again = line.back.shift()
        const n = again ?? (line.next < this.#each && this.#open < this.#window ? line.next++ : undefined)
        if (n === undefined) continue
        moved = true
        if (again === undefined) this.#open += 1
        const to = `r${this.#lines.indexOf(line)}`
        this.#queue.push(['send', `${to} ${n}` as MessageId, to as UserId, String(n), true])
      }
    }
    // All that is under way arrives before the first answer is heard.
    for (const frame of this.#queue.splice(0)) this.#node.say(frame)
    for (const hear of this.#answers.splice(0)) hear()
    for (const line of ready) line.back.sort((a, b) => a - b)
  }
  readonly #queue: ClientFrame[] = []
  readonly #answers: (() => void)[] = []

  #hear(frame: readonly unknown[]): void {
    const [kind, code, , ref, retryAfter] = frame
    if (kind !== 'sent' && kind !== 'error') return
    const [to, n] = String(kind === 'sent' ? code : ref).split(' ')
    const line = this.#lines[Number(to?.slice(1))] as Line
    this.#answers.push(() => {
      if (kind === 'sent') {
        this.#open -= 1
        return
      }
      expect(isForNow(code as ErrorCode)).toBe(true)
      line.back.push(Number(n))
      line.until = Math.max(line.until, this.#node.now + Number(retryAfter))
    })
  }
}

/** Sends so many messages to each of some recipients; answers messages per second after the burst, and refusals for each. */
function run(given: Given, window: number, recipients = 1, each = 6_000) {
  const node = new Node(given)
  const sender = new Sender(node, window, recipients, each)
  const total = recipients * each
  let [from, burst] = [0, 0]
  for (; !sender.done && node.now < 600_000; node.now += 1) {
    sender.step()
    expect(node.closed).toBeNull()
    if (from === 0 && node.refused > 0) [from, burst] = [node.now, node.taken.length]
  }
  expect(node.taken.length).toBe(total)
  if (recipients === 1) expect(node.taken, 'in order').toEqual(node.taken.map((_, n) => n))
  const rate = ((total - burst) * 1_000) / (node.now - from)
  return { rate, refusals: node.refused / total }
}

describe('a client that waits as it is told', () => {
  it.each([
    ['many to one', {}, 200, 1, 500],
    ['one at a time', {}, 1, 1, 500],
    ['to two', { framesPerSecond: 5_000 }, 200, 2, 1_000],
    ['to fifty', { framesPerSecond: 5_000 }, 250, 50, 1_000],
    ['to fifty, as fast as one connection may', {}, 250, 50, 500],
    ['where one may get little', { sendsPerSecondToOne: 20 }, 200, 1, 20],
    ['where one of many may get little', { sendsPerSecondToOne: 20 }, 250, 5, 100],
    ['where a connection may say little', { framesPerSecond: 20 }, 200, 1, 20],
    ['to many, where a connection may say little', { framesPerSecond: 20 }, 200, 50, 20],
    ['where a user may send little', { sendsPerSecond: 20 }, 250, 50, 20],
  ] as const)('%s', (_what, given, window, recipients, promised) => {
    const { rate, refusals } = run(given, window, recipients, Math.ceil((promised * 12) / recipients))
    console.log(`${_what}: ${rate.toFixed(0)} of ${promised}/s, ${refusals.toFixed(1)} refusals for each`)
    expect(rate).toBeGreaterThan(promised * 0.95)
    expect(rate).toBeLessThan(promised * 1.05)
    expect(refusals).toBeLessThan(12)
  })
})
