/**
 * A node that has its store for itself, though several could share it. It says so by a beat, as lives of a cluster do, so that no cluster
 * begins beside it; and it does not begin beside a cluster. Each of them first says that it is there, and then looks for the other.
 */
import type { Clock } from '../runtime/clock.ts'
import type { ClusterStore } from '../store/contract.ts'
import { StoreError } from '../store/error.ts'

const beatMs = 10_000
const timeoutMs = 5_000
/** Who has not been heard of for so long, and a bit for slow answers, has ended. */
const goneMs = 3 * beatMs
const lookMs = 500

/** `broke`: a cluster has begun here. Answers what ends it. Rejects where a cluster has the store. */
export async function beAlone(
  store: ClusterStore,
  life: number,
  clock: Clock,
  broke: (why: StoreError) => void,
): Promise<() => Promise<void>> {
  await store.renew(life, 1, true, timeoutMs)
  await store.beAlone(life)
  const end = () => store.mark(life, null).catch(() => undefined)
  const { view, rows } = await store.members()
  if (view > 0) {
    await end()
    throw new StoreError('locked', ofCluster(rows.map(({ name }) => name).join(', ')))
  }
  let beat = 1
  const stop = clock.every(beatMs, async () => {
    beat += 1
    const row = await store.renew(life, beat, false, timeoutMs).catch(() => 'unknown' as const)
    if (row !== 'unknown' && row?.state !== 'up') broke(new StoreError('fenced', taken))
  })
  return async () => {
    stop()
    await end()
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
