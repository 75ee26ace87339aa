/** A session ends with its token, and with the session that the service has ended. */
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type ConnectionStatus, connect } from '../../src/client/index.ts'
import { msgpack } from '../../src/client/msgpack.ts'
import { createNode, type Identity, memoryStore, type NodeOptions } from '../../src/index.ts'

const nodes: ReturnType<typeof createNode>[] = []
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close()
})
async function start(authenticate: NodeOptions['authenticate']) {
  const node = createNode({ store: memoryStore(), ...(authenticate && { authenticate }) })
  nodes.push(node)
  return { node, ...(await node.listen({ port: 0 })) }
}
/** What a client goes through. */
function follow(client: ReturnType<typeof connect>): string[] {
  const told: string[] = []
  client.on('connection', (now: ConnectionStatus) =>
    told.push(now.is === 'waiting' ? now.reason : now.is === 'closed' ? now.code : now.is),
  )
  return told
}
async function raw(url: string, token: string, device = 'phone') {
  const socket = new WebSocket(url, 'bluetick.v1.json')
  const frames: unknown[][] = []
  socket.on('message', (data) => {
    for (const line of String(data).split('\n')) frames.push(JSON.parse(line))
  })
  const closed = once(socket, 'close').then(([code]) => code)
  await once(socket, 'open')
  socket.send(JSON.stringify(['hello', token, device]))
  const find = async (kind: string) => {
    await expect.poll(() => frames.find((frame) => frame[0] === kind)).toBeDefined()
    return frames.splice(
      frames.findIndex((frame) => frame[0] === kind),
      1,
    )[0]
  }
  return { socket, frames, closed, find, say: (...frame: unknown[]) => socket.send(JSON.stringify(frame)) }
}

describe('a token that expires', () => {
  it('takes its session with it: the client comes back with another, or not at all', async () => {
    const used = new Set<string | null>()
    const { url } = await start((token) => {
      if (used.has(token)) return undefined
      used.add(token)
      return { user: token === 'only' ? 'alice' : 'bob', expires: Date.now() + 1_500 }
    })
    let count = 0
    const stays = connect({ url, token: () => `${count++}` })
    const leaves = connect({ url, token: 'only' })
    const [stayed, left] = [follow(stays), follow(leaves)]
    await expect.poll(() => left).toEqual(['connecting', 'online', 'expired', 'connecting', 'bad_token'])
    await expect.poll(() => stayed.slice(0, 5)).toEqual(['connecting', 'online', 'expired', 'connecting', 'online'])
    await stays.close()
  })

  it.each([undefined, msgpack])('is asked for anew before, on the same connection', async (codec) => {
    const shown: unknown[] = []
    const { node, url } = await start((token) => {
      shown.push(token)
      return { user: 'alice', expires: Date.now() + (token === 'first' ? 31_000 : 3_600_000) }
    })
    const tokens = ['first', 'second']
    const alice = connect({ url, token: async () => tokens.shift() ?? 'none', ...(codec && { codec }) })
    const told = follow(alice)
    await expect.poll(() => shown).toEqual(['first', 'second'])
    await alice.send('bob', 'still here')
    expect(told).toEqual(['connecting', 'online'])
    expect(node.stats().sessions).toBe(1)
    await alice.close()
  })

  it('is exchanged only when the node has asked, for one of the same user and device, and later where it cannot be checked', async () => {
    const identities: Record<string, Omit<Identity, 'expires'>> = {
      soon: { user: 'alice' },
      other: { user: 'bob' },
      laptop: { user: 'alice', device: 'laptop' },
      phone: { user: 'alice', device: 'phone' },
    }
    const { url } = await start((token) => {
      if (token === 'down') throw new Error('the database is down')
      const identity = identities[token ?? '']
      return identity && { ...identity, expires: Date.now() + (token === 'soon' ? 31_000 : 3_600_000) }
    })
    const phone = await raw(url, 'soon')
    await phone.find('welcome')
    phone.say('token', 'phone')
    expect((await phone.find('error'))?.slice(1, 4)).toEqual(['bad_frame', 'token', null])
    expect((await phone.find('renew'))?.[1]).toBeGreaterThan(25_000)
    phone.say('token', 5)
    expect((await phone.find('error'))?.slice(1, 4)).toEqual(['bad_frame', 'token', null])
    phone.say('token', 'down')
    expect((await phone.find('error'))?.slice(1, 4)).toEqual(['busy', 'token', null])
    phone.say('token', 'phone')
    expect(await phone.find('done')).toEqual(['done', 'token', '', 0])
    phone.say('token', 'phone')
    expect((await phone.find('error'))?.slice(1, 4)).toEqual(['bad_frame', 'token', null])
    phone.socket.close()
    for (const wrong of ['other', 'laptop', 'nobody']) {
      const device = await raw(url, 'soon')
      await device.find('renew')
      device.say('token', wrong)
      expect(await device.closed).toBe(3500)
    }
  })
})

describe('disconnect', () => {
  it('ends a device, or all of a user, whose tokens are then checked anew', async () => {
    const sessions = new Set(['phone', 'laptop', 'bob'])
    const { node, url } = await start((token) => {
      if (!token || !sessions.has(token)) return undefined
      return token === 'bob' ? { user: 'bob' } : { user: 'alice', device: token }
    })
    const clients = [...sessions].map((token) => connect({ url, token }))
    const [phone = [], laptop = [], bob = []] = clients.map(follow)
    await expect.poll(() => node.stats().sessions).toBe(3)
    sessions.delete('phone')
    expect(await node.disconnect('alice', 'phone')).toBe(1)
    await expect.poll(() => phone.at(-1)).toBe('bad_token')
    expect(phone).toContain('disconnected')
    await node.disconnect('alice')
    await expect.poll(() => laptop.slice(2)).toEqual(['disconnected', 'connecting', 'online'])
    expect(bob).toEqual(['connecting', 'online'])
    expect(await node.disconnect('nobody')).toBe(0)
    await expect(node.disconnect('#team')).rejects.toMatchObject({ code: 'bad_id' })
    for (const client of clients) await client.close()
  })

  it('counts for a token that is being checked at that moment', async () => {
    const answers: ((identity: Identity | undefined) => void)[] = []
    const { node, url } = await start(() => new Promise((resolve) => answers.push(resolve)))
    const alice = await raw(url, 'alice')
    const bob = await raw(url, 'bob')
    await expect.poll(() => answers.length).toBe(2)
    await node.disconnect('alice')
    answers[0]?.({ user: 'alice' })
    answers[1]?.({ user: 'bob' })
    expect(await alice.closed).toBe(3009)
    await bob.find('welcome')
    const again = await raw(url, 'alice')
    await expect.poll(() => answers.length).toBe(3)
    answers[2]?.({ user: 'alice' })
    await again.find('welcome')
    for (const { socket } of [bob, again]) socket.close()
  })
})
