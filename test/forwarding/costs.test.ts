/** What nodes say to each other for a message that is sent, delivered and read: each frame, and which of them travel together. */
import { afterEach, expect, it, vi } from 'vitest'
import { type LinkFrame, unpack } from '../../src/cluster/link/batch.ts'
import { Outgoing } from '../../src/cluster/link/outgoing.ts'
import { kinds } from '../../src/forwarding/frames.ts'
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

it('thirteen in ten batches where neither is, of which four are later, and once for what was told meanwhile', async () => {
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
  await expect
    .poll(() => batches)
    .toEqual([
      ['tell active'],
      ['ask deliver'],
      ['answer', 'push message'],
      ['tell ack', 'tell active', 'tell read'],
      ['tell receipt'],
      ['push receipt'],
      // When the receipt is an entry of the sender's inbox.
      ['tell receipted'],
      ['push receipt'],
      ['push done'],
      ['tell ack'],
    ])
})
