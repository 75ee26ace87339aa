/** The load generator for other servers: it opens their users; pace, counts and all else is that of the bench. */
import { answer } from '../child.ts'
import { addressOf, close, crowd, drain, mark, totals } from '../crowd.ts'
import { atRate } from '../load.ts'
import type { Target } from '../socket.ts'
import { now, payload } from '../stamp.ts'
import { PeerUser } from './user.ts'
import { type WireName, wires } from './wires.ts'

type Open = { readonly target: Target; readonly from: number; readonly count: number }
type Pump = { readonly bodyBytes: number; readonly inFlight: number; readonly rate: number }

/** Some of the servers make a queue for each user, which is slow: not all at once. */
const opening = 20
const users: PeerUser[] = []

answer({ open, pump, totals, mark, drain, close: closeAll }, closeAll)

async function open({ target, from, count }: Open): Promise<void> {
  const wire = wires[target.wire as WireName]
  const indexes = Array.from({ length: count }, (_, n) => from + n)
  for (let at = 0; at < count; at += opening)
    await Promise.all(indexes.slice(at, at + opening).map((index) => openOne(index, target, wire)))
  if (crowd.counts.failures.length > 0) throw new Error(crowd.counts.failures.join('; '))
}

function openOne(index: number, target: Target, wire: (typeof wires)[WireName]): Promise<void> {
  return new Promise((resolve) => {
    const user = new PeerUser(index, wire, target, addressOf(index), crowd.counts)
    users.push(user)
    user.ready = resolve
  })
}

function pump({ bodyBytes, inFlight, rate }: Pump): void {
  crowd.pumping = true
  const senders = users.filter(({ isSender }) => isSender)
  const body = payload(bodyBytes)
  for (const user of senders) user.turn = () => {}
  if (rate > 0) return atRate(senders, () => undefined, body, rate)
  for (const user of senders) {
    user.turn = () => {
      while (crowd.pumping && user.inFlight < inFlight) user.send(undefined, body, now())
    }
    user.turn()
    user.flush()
  }
}

function closeAll(): void {
  for (const user of users.splice(0)) user.close()
  close()
}
