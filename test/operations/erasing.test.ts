/** What is erased of a user, what stays, and what happens meanwhile. */
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Accepted } from '../../actors/log/types.ts'
import { type Client, connect } from '../../src/client/index.ts'
import { createNode, fileMedia, lmdbStore, memoryStore, type NodeOptions } from '../../src/index.ts'
import { erasing, notErased } from '../../src/operations/erasing.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { systemClock } from '../../src/runtime/index.ts'
import { idOf, png } from '../contracts/media.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function start(options: Partial<NodeOptions> = {}) {
  const node = createNode({ store: memoryStore(), ...options })
  const { url } = await node.listen({ port: 0 })
  ends.push(() => node.close())
  const enter = (user: string, device = 'phone') => {
    const client = connect({ url, token: user, device })
    ends.push(() => client.close())
    return client
  }
  return { node, http: url.replace('ws', 'http'), enter }
}
type Node = Awaited<ReturnType<typeof start>>['node']

async function take(client: Client, count: number): Promise<unknown[]> {
  const bodies: unknown[] = []
  for await (const message of client.messages()) {
    message.read()
    if (bodies.push(message.body) === count) break
  }
  return bodies
}
const bodiesOf = (lines: readonly Record<string, unknown>[]) =>
  lines.flatMap(({ body }) => (body === undefined ? [] : [body]))
/** What is exported of a user, but for what says who they are and what is not kept. */
async function keptOf(node: Node, user: string): Promise<readonly Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = []
  for await (const line of node.exportUser(user)) lines.push(JSON.parse(line))
  return lines.filter(({ is }) => is !== 'user' && is !== 'settings' && is !== 'end')
}

it('takes away all that is kept of a user, bans them and takes them out of their groups, which hear of it', async () => {
  const { node, enter } = await start()
  const [ann, bob] = [enter('ann'), enter('bob')]
  await node.setLifetime('ann', 'bob', 'permanent')
  const group = await node.createGroup({ by: 'ann', name: 'Team', members: ['bob', 'cat'] })
  await node.createGroup({ by: 'ann', name: 'Others', members: ['cat'] })
  await node.send({ from: 'ann', to: 'bob', body: 'a secret' })
  await bob.block('mallory')
  await bob.send('ann', 'an answer')
  await bob.send(group, 'to all')
  await take(bob, 3)
  expect(await node.eraseUser('bob')).toEqual({ user: 'bob', left: [group], undone: [], stays: [...notErased] })
  await expect.poll(() => bob.connection).toMatchObject({ is: 'closed', code: 'banned' })
  expect(await keptOf(node, 'bob')).toEqual([])
  expect(await node.inspect('bob')).toMatchObject({ devices: [], lastSeen: null, lifetimes: [], waiting: null })
  expect(await node.history('bob', 'ann')).toEqual([])
  expect(await node.bans()).toEqual(['bob'])
  expect((await node.group(group))?.members).toEqual(['ann', 'cat'])
  const heard: unknown[] = []
  void (async () => {
    for await (const { body, change } of ann.messages()) heard.push(change ?? body)
  })()
  await expect.poll(() => heard).toContain('leave')
  expect(heard).toEqual(expect.arrayContaining(['an answer', 'to all']))
  expect((await node.history('ann', 'bob')).map(({ body }) => body)).toContain('a secret')
})

it('lets nobody in who was there, and begins anew for whoever has the id later', async () => {
  const { node, enter } = await start()
  const bob = enter('bob')
  await node.send({ from: 'ann', to: 'bob', body: 'before' })
  await take(bob, 1)
  const { tail = 0 } = (await node.inspect('bob')) ?? {}
  await node.eraseUser('bob')
  await node.send({ from: 'ann', to: 'bob', body: 'after' })
  expect((await node.inspect('bob'))?.tail).toBe(tail + 1)
  const early = enter('bob')
  await expect.poll(() => early.connection.is).toBe('closed')
  await node.unban('bob')
  expect(await take(enter('bob', 'tablet'), 1)).toEqual(['after'])
})

it('is done once where it is asked for twice at a time, and again where it is asked for again', async () => {
  const { node } = await start()
  const group = await node.createGroup({ by: 'ann', name: 'Team', members: ['bob'] })
  await node.send({ from: 'ann', to: 'bob', body: 'a secret' })
  const [first, second] = await Promise.all([node.eraseUser('bob'), node.eraseUser('bob')])
  expect([first.left, second.left]).toEqual([[group], [group]])
  expect((await node.eraseUser('bob')).left).toEqual([])
  expect((await node.eraseUser('nobody')).left).toEqual([])
  expect(await keptOf(node, 'bob')).toEqual([])
  await expect(node.eraseUser('#team')).rejects.toMatchObject({ code: 'bad_id' })
})

it('loses nothing of whom others write to meanwhile, who hear that it is taken once it is', async () => {
  const { node, enter } = await start()
  const ann = enter('ann')
  const sent: Promise<unknown>[] = []
  for (let n = 0; n < 200; n++) {
    sent.push(ann.send('bob', `to bob ${n}`), ann.send('cat', `to cat ${n}`))
    if (n === 100) sent.push(node.eraseUser('bob'))
  }
  await Promise.all(sent)
  expect(await take(enter('cat'), 200)).toEqual(Array.from({ length: 200 }, (_, n) => `to cat ${n}`))
  // What was accepted behind the erasure is there, in the order in which it was sent.
  const left = (await keptOf(node, 'bob')).map(({ body }) => body)
  expect(left).toEqual(Array.from({ length: left.length }, (_, n) => `to bob ${200 - left.length + n}`))
})

it('is repeated when a store failed in between, and what was asked for is done when it works again', async () => {
  const store = memoryStore()
  let failures = 3
  const wipe: typeof store.wipe = async (user) => {
    if (failures-- > 0) throw new Error('the disk is full')
    await store.wipe(user)
  }
  const faults: unknown[] = []
  const { node } = await start({ store: { ...store, wipe }, onFault: (fault) => void faults.push(fault) })
  await node.send({ from: 'ann', to: 'bob', body: 'a secret' })
  await node.eraseUser('bob')
  expect(failures).toBeLessThan(0)
  const fault = { where: 'store', error: new Error('the disk is full') }
  expect(faults).toEqual([fault, fault, fault])
  expect(await keptOf(node, 'bob')).toEqual([])
})

it('waits for a wipe of an hour, which asks are too short for', async () => {
  let [time, over] = [1, 0]
  const clock = {
    monotonic: () => time,
    soon: (run: () => void) => void setImmediate(run),
    after(ms: number, run: () => void) {
      time += ms
      setImmediate(run)
    },
  }
  const isOver = () => {
    if (over === 0) over = time + 3_600_000
    time += 30_000
    return time >= over
  }
  const ask = (_to: unknown, messageOf: (ticket: number) => { is: string }, answer: (accepted: Accepted) => void) => {
    if (messageOf(1).is === 'wipe' && !isOver()) return answer({ is: 'refused', code: 'busy' })
    over = 0
    answer({ is: 'accepted', at: { epoch: 1, seq: 1 }, time: 1 })
  }
  const nothing = async () => {}
  const { erase } = erasing({
    router: { ask } as never,
    store: { owners: async () => [], erasures: async () => ['bob'], saveErasure: nothing } as never,
    clock,
    sessions: { devicesOf: () => [] },
    ban: nothing,
    isBanned: () => true,
    isKeptOut: async () => true,
    isElsewhere: async () => false,
    leave: nothing,
    forgetKeys: nothing,
    isHere: () => true,
    onFault: () => {},
  })
  expect(await erase('bob' as UserId)).toMatchObject({ user: 'bob', left: [] })
  expect(time).toBeGreaterThan(2 * 3_600_000)
})

it.each([true, false])(
  'of two nodes that erase at a time one is done first: it counts, unless the user was let in again (%s)',
  async (isBanned) => {
    let wipes = 0
    const nothing = async () => {}
    const ask = (_to: unknown, messageOf: (ticket: number) => { is: string }, answer: (accepted: Accepted) => void) => {
      // The other node has noted meanwhile that it is over: the actor wipes nothing more.
      if (messageOf(1).is === 'wipe' && ++wipes === 2) return answer({ is: 'refused', code: 'refused' })
      answer({ is: 'accepted', at: { epoch: 1, seq: 1 }, time: 1 })
    }
    const { erase } = erasing({
      router: { ask } as never,
      store: { owners: async () => [], erasures: async () => [], saveErasure: nothing } as never,
      clock: systemClock,
      sessions: { devicesOf: () => [] },
      ban: nothing,
      isBanned: () => isBanned,
      isKeptOut: async () => true,
      isElsewhere: async () => false,
      leave: nothing,
      forgetKeys: nothing,
      isHere: () => true,
      onFault: () => {},
    })
    const outcome = erase('bob' as UserId).then(
      ({ user }) => user,
      ({ code }) => code,
    )
    expect([await outcome, wipes]).toEqual([isBanned ? 'bob' : 'refused', 2])
  },
)

it('takes nothing away that has come since the user was let in again by another node', async () => {
  const store = memoryStore()
  const bob = 'bob' as UserId
  let letIn = false
  const sent: Promise<unknown>[] = []
  const erasures = async () => {
    const users = await store.erasures()
    // This node has read that the erasure is not over, and the other one ends it.
    if (letIn && users.includes(bob)) {
      letIn = false
      await store.saveErasure(bob, false)
      const send = (): Promise<unknown> => node.send({ from: 'ann', to: 'bob', body: 'just come' }).catch(send)
      const first = node.send({ from: 'ann', to: 'bob', body: 'just come' })
      sent.push(first.catch(send))
      await first.catch(() => {})
    }
    return users
  }
  const { node } = await start({ store: { ...store, erasures } })
  await node.send({ from: 'ann', to: 'bob', body: 'before' })
  letIn = true
  expect(await node.eraseUser('bob')).toMatchObject({ user: 'bob', undone: [] })
  await Promise.all(sent)
  expect(bodiesOf(await keptOf(node, 'bob'))).toEqual(['just come'])
})

/** Two groups of bob; nobody has asked them anything in the life of the node that is answered. `damaged`: the first. */
async function withGroups() {
  const store = memoryStore()
  const first = createNode({ store })
  await first.listen({ port: 0 })
  const make = (name: string) => first.createGroup({ by: 'ann', name, members: ['bob'] })
  const [damaged, sound] = [await make('Damaged'), await make('Sound')]
  await first.send({ from: 'ann', to: 'bob', body: 'a secret' })
  await expect.poll(async () => (await first.inspect('bob'))?.tail).toBe(3)
  await first.close()
  const loadGroup: typeof store.loadGroup = async (group) => {
    if (group === damaged) throw new Error('groups is not what was written')
    return store.loadGroup(group)
  }
  return { store, spoilt: { ...store, loadGroup }, damaged, sound }
}
const isOver = (node: Node) => expect.poll(() => node.erasures(), { timeout: 60_000 }).toEqual([])

it('a group that is damaged holds up neither an export nor an erasure, is named, and left when it can be', async () => {
  const { store, spoilt, damaged, sound } = await withGroups()
  const { node } = await start({ store: spoilt })
  const why = 'groups is not what was written'
  const exported = await keptOf(node, 'bob')
  expect(exported.filter(({ is }) => is === 'group' || is === 'unread')).toEqual(
    expect.arrayContaining([
      { is: 'group', group: sound, name: 'Sound', admin: false },
      { is: 'unread', group: damaged, why },
    ]),
  )
  const undone = [{ group: damaged, why }]
  expect(await node.eraseUser('bob')).toMatchObject({ left: [sound], undone })
  expect(bodiesOf(await keptOf(node, 'bob'))).toEqual([])
  expect(await node.erasures()).toEqual([{ user: 'bob', running: false, undone }])
  await node.close()
  const { node: mended } = await start({ store })
  await isOver(mended)
  expect((await mended.group(damaged))?.members).toEqual(['ann'])
})

it('is gone on with by the next node where one ends in the middle of it, and nobody asks for it again', async () => {
  const { store, sound } = await withGroups()
  const hangs = { ...store, wipe: () => new Promise<void>(() => {}) }
  const { node } = await start({ store: hangs })
  void node.eraseUser('bob').catch(() => {})
  await expect.poll(() => node.erasures()).toEqual([{ user: 'bob', running: true, undone: [] }])
  await expect(node.unban('bob')).rejects.toMatchObject({ code: 'busy' })
  await node.close()
  const { node: next } = await start({ store })
  await isOver(next)
  expect([await keptOf(next, 'bob'), await next.bans()]).toEqual([[], ['bob']])
  expect((await next.group(sound))?.members).toEqual(['ann'])
})

it('says why it is not over where nobody waits for it, and ends where operators let the user in again', async () => {
  const { spoilt, damaged } = await withGroups()
  const faults: unknown[] = []
  await spoilt.open()
  await spoilt.saveErasure('bob' as UserId, true)
  await spoilt.close()
  const { node } = await start({ store: spoilt, onFault: (fault) => void faults.push(fault) })
  await expect.poll(() => faults, { timeout: 60_000 }).toMatchObject([{ where: 'store' }])
  expect(String((faults[0] as { error: Error }).error)).toContain(`the erasure of bob is not over`)
  expect(String((faults[0] as { error: Error }).error)).toContain(`${damaged}: groups is not what was written`)
  expect(await node.unban('bob')).toBe(true)
  expect(await node.erasures()).toEqual([])
})

it('frees an inbox that is full, so that its groups can end with it', async () => {
  const { node } = await start({ limits: { inboxEntries: 3 } })
  const group = await node.createGroup({ by: 'ann', name: 'Team', members: ['bob'] })
  for (const body of ['one', 'two', 'three', 'four', 'five']) await node.send({ from: 'ann', to: group, body })
  await expect.poll(async () => (await node.inspect('bob'))?.tail).toBe(3)
  await node.eraseUser('bob')
  expect((await node.group(group))?.members).toEqual(['ann'])
  expect(await keptOf(node, 'bob')).toEqual([])
  for (const body of ['six', 'seven', 'eight']) await node.send({ from: 'ann', to: 'bob', body })
  await expect(node.send({ from: 'ann', to: 'bob', body: 'nine' })).rejects.toMatchObject({ code: 'inbox_full' })
})

/** Files in which any eight letters of a text stand. */
function filesWith(path: string, text: string): string[] {
  const pieces = Array.from({ length: text.length - 7 }, (_, at) => text.slice(at, at + 8))
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
  return files.filter((name) => {
    if (!statSync(join(path, name)).isFile()) return false
    const bytes = readFileSync(join(path, name))
    return pieces.some((piece) => bytes.includes(piece))
  })
}

it('leaves no word of it in any file of LMDB, its journal or the media once that is compacted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-erase-'))
  const [data, files] = [join(folder, 'data'), join(folder, 'media')]
  const marker = 'zyxwvuts-marker-of-bob'
  const options = { store: lmdbStore(data), media: fileMedia(files) }
  const { node, http, enter } = await start(options)
  const upload = async (user: string, content: Uint8Array) => {
    const headers = { authorization: `Bearer ${user}` }
    await fetch(`${http}/media`, { method: 'POST', headers, body: content as Uint8Array<ArrayBuffer> })
    return { media: idOf(content), type: 'image/png', size: content.length }
  }
  const bob = enter('bob')
  await node.setLifetime('ann', 'bob', 'permanent')
  const picture = png(`${marker} a picture of ann`)
  await node.send({ from: 'ann', to: 'bob', body: `${marker} look`, media: await upload('ann', picture) })
  await node.deleteChat('ann', 'bob')
  await upload('bob', png(`${marker} never sent`))
  for (let n = 0; n < 100; n++) await node.send({ from: 'cat', to: 'bob', body: `${marker} ${n}`.repeat(n) })
  await bob.tag('cat', { note: marker })
  await take(bob, 50)
  expect(filesWith(folder, marker).length).toBeGreaterThan(0)
  await node.eraseUser('bob')
  expect(filesWith(files, marker)).toEqual([])
  await node.send({ from: 'cat', to: 'dan', body: 'this stays with dan' })
  await bob.close()
  await node.close()
  const store = lmdbStore(data)
  await store.open()
  await store.compact()
  expect(filesWith(folder, marker)).toEqual([])
  expect(filesWith(folder, 'this stays with dan')).toEqual(['data/bluetick.mdb'])
})
