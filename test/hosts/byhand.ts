/** Time that goes on by hand, and actors that only note what they are told. */
import { onTestFinished } from 'vitest'
import type { NodeRouter } from '../../actors/addresses.ts'
import type { Accepted } from '../../actors/log/types.ts'
import type { MessageId, Millis, UserId } from '../../src/protocol/ids.ts'
import { Asks, type Clock, Router, type Runtime, startRuntime, systemClock } from '../../src/runtime/index.ts'

export const user = (name: string) => name as UserId
export const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as MessageId
export const accepted = { is: 'accepted', at: { epoch: 7, seq: 4 }, time: 50 } as const

/** A clock that goes on by hand, and a runtime that goes by it. */
export function byHand() {
  let now = 1
  const soon: (() => void)[] = []
  const ticks: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    now: () => 1_700_000_000_000 + now,
    monotonic: () => now,
    soon: (run) => void soon.push(run),
    every: (_, run) => {
      ticks.push(run)
      return () => {}
    },
  }
  const runtime = startRuntime({ clock })
  onTestFinished(() => runtime.end())
  /** Until all that was to run soon has run, and all that was promised is kept, or waits for somebody. */
  const turn = async () => {
    do {
      for (const run of soon.splice(0)) run()
      await new Promise((resolve) => setImmediate(resolve))
    } while (soon.length > 0)
  }
  const pass = async (ms: Millis) => {
    for (const end = now + ms; now < end; ) {
      now = Math.min(end, now + 50)
      for (const tick of ticks) tick()
    }
    await turn()
  }
  return { clock, runtime, turn, pass }
}

type Told = [to: string, message: object][]

/** What actors are told, and what they are asked, by their addresses. `knows`: what can be asked of what they know. */
export function noting(runtime: Runtime, knows: Readonly<Record<string, unknown>> = {}) {
  const router: NodeRouter = new Router(new Asks<Accepted>(runtime.wheel, 10_000, { is: 'refused', code: 'busy' }))
  const told: Told = []
  const asked: Told = []
  /** Whether mailboxes take more. */
  const mailboxes = { take: true }
  for (const kind of ['user', 'group', 'presence']) {
    const tell = (id: string, message: object) => void told.push([`${kind} ${id}`, message])
    const offer = (id: string, message: object) => {
      if (mailboxes.take) asked.push([`${kind} ${id}`, message])
      return mailboxes.take
    }
    const query = async (_: string, what: string) => knows[what]
    const inspect = () => ({ path: null, status: 'absent', mailbox: 0, restarts: 0 }) as const
    router.lead(kind, { tell, tellIfPresent: tell, hint: tell, offer, query, inspect, refuse: tell })
  }
  /** What was asked as the nth is answered. */
  const answer = (nth: number, said: Accepted) => {
    const [, question] = asked[nth] ?? []
    router.answer((question as { readonly ticket: number }).ticket, said)
  }
  return { router, told, asked, mailboxes, answer }
}
