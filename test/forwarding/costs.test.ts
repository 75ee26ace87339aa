/** What nodes say to each other for a message that is sent, delivered and read: each frame, and which of them travel together. */
import { afterEach, expect, it, vi } from 'vitest'
import { type LinkFrame, unpack } from '../../src/cluster/link/batch.ts'
import { Outgoing } from '../../src/cluster/link/outgoing.ts'
import { isPatient, kinds } from '../../src/forwarding/frames.ts'
import type { KnownCluster } from '../../src/index.ts'
import { closeAll, enter, type Raw } from '../e2e/raw.ts'
import { cluster, type Member, shards, userOf } from './nodes.ts'

afterEach(() => {
  closeAll()
  vi.restoreAllMocks()
})

const nameOf = (kind: number) => Object.entries(kinds).find(([, n]) => n === kind)?.[0]

/** As "tell ack", "push message". undefined: it is a beat, or a row of a shard. */
function word([kind, ...fields]: LinkFrame): string | undefined {
  switch (kind) {
    case kinds.tell:
    case kinds.ask:
      return `${nameOf(kind)} ${(fields[3] as { is: string }).is}`
    case kinds.push:
      return `push ${(fields[1] as string[])[0]}`
    case kinds.answer:
      return 'answer'
  }
  return undefined
}

/** The batches that leave from here on, of all nodes. */
function overhear(): string[][] {
  const batches: string[][] = []
  const { take } = Outgoing.prototype
  vi.spyOn(Outgoing.prototype, 'take').mockImplementation(function (this: Outgoing) {
    const frames = take.call(this)
    const words = unpack(Buffer.concat(frames)).flatMap((frame) => word(frame) ?? [])
    if (words.length > 0) batches.push(words)
    return frames
  })
  return batches
}

const known = ({ node }: Member) => node.cluster() as KnownCluster
const ownAll = (nodes: readonly Member[]) =>
  new Set(nodes.flatMap((node) => known(node).shards)).size === shards &&
  nodes.every((node) => known(node).shards.length > 0 && known(node).moving === 0)
const homeOf = (member: Member) => userOf(known(member).shards[0] as number)

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
/** Of the reader, in one WebSocket message, as clients do that have the chat open. */
const read = ({ socket }: Raw, from: string, seq: number) =>
  socket.send(`${JSON.stringify(['ack', seq])}\n${JSON.stringify(['read', from, seq])}`)

/** Sends a message, and has it acknowledged and read; resolves when all of that is durable, and the sender's device has the receipt. */
async function exchange(ann: Raw, names: readonly [string, string], bob: Raw, n: number): Promise<void> {
  const [from, to] = names
  ann.say('send', id(n), to, `message ${n}`, false)
  await expect.poll(() => bob.of('message').length).toBe(n)
  read(bob, from, n)
  const entries = () => ann.of('receipt').filter(([, seq]) => seq !== 0)
  await expect.poll(() => [entries().length, bob.of('done').length]).toEqual([n, n])
  ann.say('ack', entries().at(-1)?.[1])
}

it('four where both are by the nodes that have their actors', async () => {
  const start = await cluster({}, 60_000)
  const nodes = [await start('a'), await start('b')] as const
  await expect.poll(() => ownAll(nodes)).toBe(true)
  const [a, b] = nodes
  const names = [homeOf(a), homeOf(b)] as const
  const [ann, bob] = [await enter(a.url, names[0]), await enter(b.url, names[1])]
  await exchange(ann, names, bob, 1)
  const batches = overhear()
  await exchange(ann, names, bob, 2)
  await expect.poll(() => batches).toEqual([['ask deliver'], ['answer'], ['tell receipt'], ['tell receipted']])
})

it('thirteen where neither is, of which four are later, and once for what was told meanwhile', async () => {
  const start = await cluster({}, 60_000)
  const nodes = [await start('a'), await start('b'), await start('c')] as const
  await expect.poll(() => ownAll(nodes)).toBe(true)
  const [a, b, c] = nodes
  const names = [homeOf(b), homeOf(c)] as const
  const [ann, bob] = [await enter(a.url, names[0]), await enter(a.url, names[1])]
  const batches = overhear()
  await exchange(ann, names, bob, 1)
  await expect.poll(() => batches.at(-1)).toContain('tell ack')
  batches.length = 0
  await exchange(ann, names, bob, 2)
  const all = ['ask deliver', 'answer', 'push message', 'tell receipt', 'tell receipted', 'push done', 'tell read']
  // To Ann one receipt when it has come, and one when it is an entry of her inbox.
  const twice = ['tell active', 'tell ack', 'push receipt']
  await expect.poll(() => batches.flat().sort()).toEqual([...all, ...twice, ...twice].sort())
  // What nobody waits for goes along where there is something to go along with: how many batches it is depends on how quick the machine is.
  expect(batches.length).toBeLessThanOrEqual(10)
  expect(batches).toContainEqual(['answer', 'push message'])
})

it('half of which nobody waits for', () => {
  const tell = (is: string) => isPatient([kinds.tell, 0, 'user', 'ann', { is }])
  const push = (...frame: unknown[]) => isPatient([kinds.push, 7, frame])
  expect(['receipt', 'receipted', 'ack', 'read', 'active'].map(tell)).toEqual([true, true, true, true, true])
  expect([push('receipt', 1), push('done', 'read', 'bob', 2)]).toEqual([true, true])
  expect([push('message', 1), push('done', 'set', 'a', 0), tell('attach'), tell('detach')]).toEqual(
    Array(4).fill(false),
  )
  const ask = isPatient([kinds.ask, 1, 'user', 'ann', { is: 'deliver' }])
  expect([ask, isPatient([kinds.answer, 1, null]), isPatient([kinds.flush, 3, 1])]).toEqual([false, false, false])
})
