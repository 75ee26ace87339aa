/** Runs user actors of the node, with its runtime and host, but no sockets and no disk. */
import type { Accepted } from '../actors/log/types.ts'
import { Calendar } from '../src/hosts/calendar.ts'
import type { SessionPort } from '../src/hosts/ports.ts'
import { oneSpell } from '../src/hosts/spells.ts'
import { hostUsers, type Users } from '../src/hosts/users.ts'
import { Holds } from '../src/media/holds.ts'
import type { DeviceId, MessageId, UserId } from '../src/protocol/ids.ts'
import { defaultLimits } from '../src/protocol/limits.ts'
import { Asks, Router, startRuntime, systemClock } from '../src/runtime/index.ts'
import type { Store } from '../src/store/contract.ts'
import type { ActorsOptions, ActorsResult } from './actors.ts'
import { sleep } from './bed.ts'
import { answer } from './child.ts'
import { percentile } from './histogram.ts'
import { startMeter } from './meter.ts'

const idleMs = 1_000
/** Users that are told something before the event loop gets its turn. */
const slice = 2_000

/** A store that keeps nothing and answers at once: what is measured is the actors. */
const nothing: Pick<Store, 'load' | 'append' | 'read' | 'findRepeats' | 'saveCursors' | 'settings'> = {
  load: async () => undefined,
  append: async () => {},
  read: async () => [],
  findRepeats: async (_user, keys) => keys.map(() => undefined),
  saveCursors: async () => {},
  settings: async () => undefined,
}
const deaf: SessionPort = {
  push: () => {},
  hint: () => {},
  welcome: () => {},
  wasted: () => {},
  siblings: () => {},
  settings: () => {},
  close: () => {},
  reattach: () => {},
  closeUser: () => {},
}

const meter = startMeter()
const runtime = startRuntime({ idleMs, spares: 10_000_000 })
const asks = new Asks<Accepted>(runtime.wheel, 10_000, { is: 'refused', code: 'busy' })
const users: Users = hostUsers({
  calendar: new Calendar(systemClock, undefined),
  holds: new Holds(undefined),
  onFault: () => {},
  runtime,
  router: new Router(asks),
  store: nothing as Store,
  spellOf: oneSpell(nothing as Store, 1),
  term: 1,
  life: 0,
  limits: defaultLimits,
  sessions: deaf,
  swallows: false,
  lifetime: 'default' as const,
  events: { accepted: () => {}, receipted: () => {} },
})
answer({ run })

const user = (n: number) => `user-${n}` as UserId
const attach = (n: number) =>
  users.tell(user(n), { is: 'attach', session: n + 1, device: 'phone' as DeviceId, cursor: null })

/** Not attached any more, a user needs no socket: what rests is the record that saves the reads of a wake. */
const detach = (n: number) => users.tell(user(n), { is: 'detach', session: n + 1 })

async function run(options: ActorsOptions, progress: (done: number) => void): Promise<ActorsResult> {
  const { actors, awake, messages } = options
  const warm = 1_000
  await each(0, warm, attach)
  await each(0, warm, detach)
  await asleep()
  const empty = await collected()
  meter.reset()
  const spawnUs = await each(warm, awake, attach)
  await meter.collect()
  const up = meter.sample()
  await each(warm, awake, detach)
  await asleep()
  for (let from = warm + awake; from < warm + actors; from += awake) {
    const count = Math.min(awake, warm + actors - from)
    await each(from, count, attach)
    await each(from, count, detach)
    await asleep()
    progress(from + count)
  }
  const down = await collected()
  const wakeUs = await each(warm, awake, attach)
  const rate = await exchange(messages)
  const { gcPausesMs } = meter.sample()
  return {
    actors,
    actors_awake_measured: awake,
    bytes_per_actor_awake: (up.rss - empty.rss) / awake,
    bytes_per_actor_hibernated: (down.rss - empty.rss) / actors,
    heap_bytes_per_actor_hibernated: (down.heap - empty.heap) / actors,
    ...rate,
    spawn_us: spawnUs,
    wake_us: wakeUs,
    gc_p99_ms: percentile(gcPausesMs, 0.99),
    gc_max_ms: Math.max(0, ...gcPausesMs),
    gc_pauses: gcPausesMs.length,
  }
}

/** Tells `count` users something, a slice at a time, and waits until all have handled it. CPU of each in µs. */
async function each(from: number, count: number, tell: (n: number) => void): Promise<number> {
  const before = process.cpuUsage()
  for (let n = 0; n < count; n++) {
    tell(from + n)
    if (n % slice === slice - 1) {
      await new Promise(setImmediate)
    }
  }
  await sleep(50)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

/** Pages are given back a moment after a collection. */
async function collected() {
  await meter.collect()
  await sleep(1_000)
  await meter.collect()
  return meter.sample()
}

async function asleep(): Promise<void> {
  while (users.size.awake > 0) await sleep(100)
}

/** 1,000 of the users, 8 messages in flight to each: accepted, appended, pushed and answered. */
async function exchange(messages: number) {
  const body = new Uint8Array(200)
  let sent = 0
  let answered = 0
  const before = process.cpuUsage()
  const started = performance.now()
  await new Promise<void>((resolve) => {
    const send = (to: number) => {
      sent += 1
      const id = `0190a000-0000-7000-8000-${sent.toString(16).padStart(12, '0')}` as MessageId
      const ticket = asks.ask((answer) => {
        answered += 1
        const seq = answer.is === 'accepted' ? answer.at.seq : 0
        if (seq % 8 === 0) users.tell(user(to), { is: 'ack', session: to + 1, seq })
        if (sent < messages) send(to)
        else if (answered === messages) resolve()
      })
      const step = { nth: 0, round: 0 }
      users.tell(user(to), {
        is: 'deliver',
        origin: { is: 'program' },
        step,
        from: user(0),
        id,
        body,
        again: false,
        ticket,
      })
    }
    for (let to = 1_000; to < 2_000; to++) for (let i = 0; i < 8; i++) send(to)
  })
  const { user: inUser, system } = process.cpuUsage(before)
  const seconds = (performance.now() - started) / 1_000
  return { messages_per_second: messages / seconds, cpu_us_per_message: (inUser + system) / messages }
}
