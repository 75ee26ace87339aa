/** Two ends of one link, on a wire of the test, and time that goes on by hand. */
import type { LinkFrame } from '../../src/cluster/link/batch.ts'
import type { Hello } from '../../src/cluster/link/greeting.ts'
import { Link, type LinkHost, type Wire } from '../../src/cluster/link/link.ts'
import { Pace } from '../../src/cluster/link/pace.ts'
import { systemClock } from '../../src/runtime/index.ts'

export function handClock() {
  let now = 1_000
  const soon: (() => void)[] = []
  let timers: { readonly due: number; readonly run: () => void }[] = []
  const clock = {
    ...systemClock,
    now: () => 1e12 + now,
    monotonic: () => now,
    soon: (run: () => void) => void soon.push(run),
    after: (ms: number, run: () => void) => void timers.push({ due: now + ms, run }),
  }
  const turn = () => {
    while (soon.length > 0) for (const run of soon.splice(0)) run()
  }
  const pass = (ms: number) => {
    for (const end = now + ms; now < end; ) {
      now += 1
      const due = timers.filter((timer) => timer.due <= now)
      timers = timers.filter((timer) => timer.due > now)
      for (const { run } of due) run()
      turn()
    }
  }
  return { clock, turn, pass }
}

const helloOf = (life: number, more: Partial<Hello> = {}): Hello => ({
  name: `n${life}`,
  life,
  to: 0,
  cluster: 'tea',
  shards: 1_024,
  versions: [1, 1],
  now: 1e12,
  ...more,
})

type End = {
  readonly link: Link
  readonly heard: LinkFrame[]
  readonly beats: (readonly unknown[])[]
  readonly said: string[]
  /** Batches that wait on the wire to the other. */
  readonly wire: Uint8Array[]
  /** Whether the wire takes more. */
  takes: boolean
}

/** Frames of this kind may wait for others. */
export const patient = 50

type Options = { readonly secret?: Uint8Array | null; readonly hello?: Partial<Hello>; readonly admits?: string | null }

/** Life 1 dials life 2. What each writes arrives when the test says so. */
export function pair(one: Options = {}, two: Options = {}) {
  const { clock, turn, pass } = handClock()
  const end = (life: number, { secret = null, hello, admits = null }: Options, to: number | null): End => {
    const heard: LinkFrame[] = []
    const beats: (readonly unknown[])[] = []
    const said: string[] = []
    const sent: Uint8Array[] = []
    const wire: Wire = {
      write(batch) {
        sent.push(batch)
        return self.takes
      },
      end: () => void said.push('ended'),
      cut: () => void said.push('cut'),
    }
    const host: LinkHost = {
      clock,
      secret,
      pace: new Pace(clock),
      hello: (to) => helloOf(life, { to, ...hello }),
      admits: () => admits,
      beat: () => [true, 7],
      opened: () => void said.push('opened'),
      heard: (_, frame) => void heard.push(frame),
      isPatient: ([kind]) => kind === patient,
      beaten: (_, fields) => void beats.push(fields),
      closed: (_, why, refused) => void said.push(`${refused ? 'refused' : 'closed'}: ${why}`),
    }
    const self = { heard, beats, said, wire: sent, takes: true } as unknown as End & { link: Link }
    self.link = new Link(host, wire, to)
    return self
  }
  const b = end(2, two, null)
  const a = end(1, one, 2)
  const arrive = () => {
    turn()
    for (const batch of a.wire.splice(0)) b.link.received(batch)
    for (const batch of b.wire.splice(0)) a.link.received(batch)
    turn()
  }
  const greet = () => {
    for (let times = 0; times < 4; times++) arrive()
  }
  return { a, b, arrive, greet, turn, pass }
}
