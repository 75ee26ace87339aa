/** The actors of a node without its sockets: a real runtime over a store in memory. What is done to sessions is noted. */
import { onTestFinished } from 'vitest'
import type { Accepted, Deliver } from '../../actors/log/types.ts'
import type { Presence } from '../../actors/presence.ts'
import type { Fault } from '../../src/embed/faults.ts'
import { Calendar } from '../../src/hosts/calendar.ts'
import { hostGroups } from '../../src/hosts/groups/groups.ts'
import { Notes } from '../../src/hosts/groups/notes.ts'
import { hostPresence } from '../../src/hosts/presence.ts'
import { oneSpell } from '../../src/hosts/spells.ts'
import { hostUsers } from '../../src/hosts/users.ts'
import { memoryStore } from '../../src/index.ts'
import { Holds } from '../../src/media/holds.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { DeviceId, MessageId, UserId } from '../../src/protocol/ids.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { type Address, Asks, Router, startRuntime, systemClock } from '../../src/runtime/index.ts'
import type { Store } from '../../src/store/contract.ts'

/** `over`: what the store does otherwise. */
export async function house(over: Partial<Store> = {}) {
  const store = memoryStore()
  await store.open()
  const term = await store.takeTerm()
  let skew = 0
  const runtime = startRuntime({ clock: { ...systemClock, monotonic: () => systemClock.monotonic() + skew } })
  onTestFinished(() => runtime.stop())
  const done: unknown[] = []
  const faults: Fault[] = []
  const presences: Presence[] = []
  const note = (what: string) => (session: unknown, more: unknown) => void done.push([what, session, more])
  const sessions = {
    push: (session: number, frame: unknown) => void done.push([session, frame]),
    hint: note('hint'),
    close: note('close'),
    closeUser: note('closeUser'),
    welcome: ({ session, seq, why }: { session: number; seq: number; why: unknown }) =>
      void done.push(['welcome', session, seq, why]),
    reattach: (user: UserId) => void done.push(['reattach', user]),
    settings: note('settings'),
    siblings: () => {},
    wasted: () => {},
    presences: (refs: readonly number[]) => presences.filter(({ session }) => refs.includes(session)),
  }
  const router = new Router(new Asks<Accepted>(runtime.wheel, 10_000, { is: 'refused', code: 'busy' }))
  const changed: Store = { ...store, ...over }
  const spellOf = oneSpell(changed, term)
  const logs = {
    runtime,
    router,
    store: changed,
    spellOf,
    term,
    limits: defaultLimits,
    lifetime: 'default' as const,
    sessions,
    events: { accepted: () => {}, receipted: () => {} },
    holds: new Holds(undefined),
    calendar: new Calendar(runtime.clock, undefined),
    onFault: (fault: Fault) => void faults.push(fault),
  }
  const users = hostUsers({ ...logs, life: 0, swallows: false })
  const groups = hostGroups({ ...logs, notes: new Notes(spellOf) })
  const presence = hostPresence({ ...logs, threshold: 20_000 })
  let sends = 0
  /** A message of somebody, or what it changes; resolves with the answer. */
  const send = (to: Address<Deliver>, from: string, body = 'hi', more: Partial<Deliver> = {}) => {
    sends += 1
    const [id, step] = [`m${sends}` as MessageId, { nth: sends, round: 1 }]
    const origin = { is: 'session', ref: 900 + from.charCodeAt(0) } as const
    const deliver = { is: 'deliver', origin, step, from: from as UserId, id, body, again: false, ...more } as const
    return new Promise<Accepted>((resolve) => router.ask(to, (ticket) => ({ ...deliver, ticket }), resolve))
  }
  const attach = (user: UserId, session: number, device = 'phone') =>
    users.tell(user, { is: 'attach', session, device: device as DeviceId, cursor: null })
  const entries = (owner: UserId): Promise<readonly Entry[]> => store.read(owner, 1, 100, 1e6, Date.now())
  /** So much time passes on the monotonic clock. */
  const pass = (ms: number) => {
    skew += ms
  }
  return {
    logs,
    store,
    term,
    runtime,
    router,
    users,
    groups,
    presence,
    presences,
    done,
    faults,
    send,
    attach,
    entries,
    pass,
  }
}
