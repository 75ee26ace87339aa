/**
 * A node that has its store for itself, though several could share it. It says so by a beat, as lives of a cluster do, so that no cluster
 * begins beside it; and it does not begin beside a cluster. Each of them first says that it is there, and then looks for the other.
 *
 * As in a cluster, what the store answers counts only while its lease holds, which ends before a cluster may begin: a node that was held up
 * for longer answers nothing more until it knows that it has the store still.
 */
import type { Clock, Times } from '../runtime/clock.ts'
import type { ClusterStore } from '../store/contract.ts'
import { StoreError } from '../store/error.ts'
import { Gate, type Passage } from './gate.ts'
import { elapsed } from './lease.ts'

const beatMs = 5_000
const timeoutMs = 5_000
/** From when a beat that came was sent. */
const leaseMs = 20_000
/** Who has not been heard of for so long has ended: longer than a lease by clocks that run 30 % apart. */
const goneMs = 30_000
const lookMs = 500

export type Alone = {
  /** Calls `pass` when what the store has answered counts, or `over` when it never will. */
  heed(pass: () => void, over?: () => void): void
  /** The node ends: what does not count now never will. */
  hurry(): void
  end(): Promise<void>
}

/** `broke`: a cluster has begun here. Rejects where a cluster has the store. */
export async function beAlone(
  store: ClusterStore,
  life: number,
  clock: Clock,
  broke: (why: StoreError) => void,
): Promise<Alone> {
  const times = (): Times => ({ now: clock.now(), monotonic: clock.monotonic() })
  let confirmed = times()
  await store.renew(life, 1, true, timeoutMs)
  await store.beAlone(life)
  const end = () => store.mark(life, null).catch(() => undefined)
  const { view, rows } = await store.members()
  if (view > 0) {
    await end()
    throw new StoreError('locked', ofCluster(rows.map(({ name }) => name).join(', ')))
  }
  let isOver = false
  const passage = (): Passage => (isOver ? 'never' : elapsed(confirmed, times()) < leaseMs ? 'passes' : 'waits')
  const gate = new Gate(passage)
  let beat = 1
  const stop = clock.every(beatMs, async () => {
    beat += 1
    const [tried, sent] = [beat, times()]
    const row = await store.renew(life, tried, false, timeoutMs).catch(() => 'unknown' as const)
    // One that was asked before may answer behind the one that ended it.
    if (row === 'unknown' || isOver) return
    isOver = row?.state !== 'up'
    if (row?.beat === tried) confirmed = sent
    gate.open()
    if (!isOver) return
    stop()
    broke(new StoreError('fenced', taken))
  })
  return {
    heed: (pass, over) => gate.enter(0, 0, pass, over),
    hurry: () => gate.hurry(),
    async end() {
      stop()
      await end()
    },
  }
}

/** Resolves when no node has the store for itself. Rejects where one has. */
export async function awaitAlone(store: ClusterStore, clock: Clock): Promise<void> {
  const life = await store.alone()
  const look = async () => (life > 0 ? (await store.lives([life])).get(life) : undefined)
  const first = await look()
  const end = clock.monotonic() + goneMs
  for (let row = first; row?.state === 'up'; row = await look()) {
    if (row.beat !== first?.beat) throw new StoreError('locked', ofOne)
    if (clock.monotonic() >= end) return void (await store.mark(life, row.beat))
    await new Promise<void>((resolve) => clock.after(lookMs, resolve))
  }
}

const ofCluster = (names: string): string =>
  `This keyspace is that of a cluster${names && `, of ${names}`}: start this node with cluster: { name } (--node-name), alone or not.`
const ofOne =
  'A node that is in no cluster runs on this keyspace: stop it, and start it with cluster: { name } (--node-name), too.'
const taken = 'A cluster has begun on the keyspace of this node: start it with cluster: { name } (--node-name).'
