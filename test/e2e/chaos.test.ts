/** A store that fails, stalls and forgets to answer; devices that do not read, or all come back at once. */
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Client, connect } from '../../src/client/index.ts'
import { createNode, memoryStore } from '../../src/index.ts'
import type { Store } from '../../src/store/contract.ts'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A store whose calls are late, fail before they did anything, or fail after they did it, as `trouble` (0 to 1) says. */
function troubled(store: Store, trouble: () => number): Store {
  const names = ['append', 'read', 'findRepeats', 'saveCursors', 'load', 'saveLastSeen'] as const
  const wrap =
    (name: (typeof names)[number]) =>
    async (...args: unknown[]) => {
      const call = () => (store[name] as (...args: unknown[]) => Promise<unknown>).apply(store, args)
      const fails = () => Math.random() < trouble()
      if (fails()) throw new Error(`${name} failed before it did anything`)
      const answer = await call()
      if (trouble() > 0) await sleep(Math.random() * 20)
      if (fails()) throw new Error(`${name} did it, and failed to say so`)
      return answer
    }
  return Object.assign(Object.create(store) as Store, Object.fromEntries(names.map((name) => [name, wrap(name)])))
}

it('loses, doubles and disorders nothing while the store fails at random and links break', async () => {
  let trouble = 0.15
  const node = createNode({ store: troubled(memoryStore(), () => trouble) })
  const { url } = await node.listen({ port: 0 })
  const users = ['ann', 'ben', 'cay']
  const clients = new Map<string, Client>(users.map((user) => [user, connect({ url, token: user })]))
  const received = new Map<string, string[]>(users.map((user) => [user, []]))
  for (const [user, client] of clients) {
    void (async () => {
      for await (const message of client.messages()) {
        received.get(user)?.push(`${message.from} ${message.body}`)
        message.read()
      }
    })()
  }
  const each = 150
  const expected = new Map<string, string[]>(users.map((user) => [user, []]))
  for (let n = 0; n < each; n++) {
    for (const [from, client] of clients) {
      const to = users[Math.floor(Math.random() * users.length)] as string
      await client.queue(to, String(n))
      expected.get(to)?.push(`${from} ${n}`)
    }
    await sleep(10)
    if (n % 40 === 39) for (const session of users) await takeOver(url, session)
    for (const client of clients.values()) client.retryNow()
  }
  trouble = 0
  const left = async () => (await Promise.all([...clients.values()].map((client) => client.outbox()))).flat().length
  await expect.poll(left, { interval: 200 }).toBe(0)
  for (const [user, texts] of received) {
    expect([...texts].sort()).toEqual([...(expected.get(user) ?? [])].sort())
    for (const from of users) {
      const numbers = texts.filter((text) => text.startsWith(from)).map((text) => Number(text.split(' ')[1]))
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
  }
  for (const client of clients.values()) await client.close()
  await node.close()
})

/** Connects as another device of the user and goes at once, in the middle of everything. */
async function takeOver(url: string, user: string): Promise<void> {
  const socket = new WebSocket(url, 'bluetick.v1.json')
  await once(socket, 'open')
  socket.send(JSON.stringify(['hello', user, 'other']))
  await sleep(20)
  socket.terminate()
}

it('answers busy while the store stalls, takes no more than its bound, and goes on afterwards', async () => {
  const store = memoryStore()
  let stalled: (() => void)[] | null = []
  const append: Store['append'] = async (...args) => {
    if (stalled) await new Promise<void>((resolve) => stalled?.push(resolve))
    return store.append(...args)
  }
  const node = createNode({
    store: Object.assign(Object.create(store) as Store, { append }),
    limits: { appendsInFlight: 10, sendsInFlight: 50 },
  })
  const { url } = await node.listen({ port: 0 })
  const alice = connect({ url, token: 'alice' })
  const bob = connect({ url, token: 'bob' })
  const bodies: string[] = []
  void (async () => {
    for await (const message of bob.messages()) bodies.push(String(message.body))
  })()
  for (let n = 0; n < 40; n++) await alice.queue('bob', String(n))
  await expect.poll(() => node.inspect('bob').then((bob) => bob && stalled?.length)).toBeGreaterThanOrEqual(1)
  await sleep(300)
  await expect(node.send({ from: 'shop', to: 'bob', body: 'x' })).rejects.toMatchObject({ code: 'busy', retry: true })
  const waiting = stalled
  stalled = null
  for (const go of waiting) go()
  await expect.poll(() => bodies.length).toBe(40)
  expect(bodies).toEqual(Array.from({ length: 40 }, (_, n) => String(n)))
  await alice.close()
  await bob.close()
  await node.close()
})

it('takes 2,000 devices that come back at once, and keeps serving', async () => {
  const node = createNode({ store: memoryStore(), limits: { connectionsPerAddress: 5_000 } })
  const { url } = await node.listen({ port: 0 })
  const storm = async () => {
    const sockets: WebSocket[] = []
    let welcomed = 0
    for (let n = 0; n < 2_000; n++) {
      const socket = new WebSocket(url, 'bluetick.v1.json')
      socket.on('open', () => socket.send(JSON.stringify(['hello', `user${n}`, 'phone'])))
      socket.on('message', (data) => {
        if (String(data).includes('"welcome"')) welcomed += 1
      })
      socket.on('error', () => {})
      sockets.push(socket)
      if (n % 250 === 249) await sleep(10)
    }
    await expect.poll(() => welcomed).toBe(2_000)
    return sockets
  }
  for (const socket of await storm()) socket.terminate()
  const sockets = await storm()
  await expect.poll(() => node.stats().sessions).toBe(2_000)
  await node.send({ from: 'shop', to: 'user1999', body: 'still here' })
  const [data] = await once(sockets[1999] as WebSocket, 'message')
  expect(String(data)).toContain('still here')
  for (const socket of sockets) socket.terminate()
  await expect.poll(() => node.stats().sessions).toBe(0)
  await node.close()
})

it('keeps 50,000 messages for a device that does not read, in bounded memory, and gives it all of them in the end', async () => {
  const node = createNode({ store: memoryStore() })
  const { url } = await node.listen({ port: 0 })
  const slow = new WebSocket(url, 'bluetick.v1.json')
  await once(slow, 'open')
  slow.send(JSON.stringify(['hello', 'bob', 'phone']))
  await once(slow, 'message')
  slow.pause()
  const total = 50_000
  const body = 'x'.repeat(200)
  for (let sent = 0; sent < total; sent += 500) {
    await Promise.all(Array.from({ length: 500 }, () => node.send({ from: 'shop', to: 'bob', body })))
  }
  expect((await node.inspect('bob'))?.tail).toBe(total)
  expect((await node.inspect('bob'))?.devices[0]?.unacknowledged).toBeLessThanOrEqual(256)
  let last = 0
  slow.on('message', (data) => {
    for (const line of String(data).split('\n')) {
      const frame = JSON.parse(line)
      if (frame[0] !== 'message') continue
      expect(frame[1]).toBe(last + 1)
      last = frame[1]
    }
    slow.send(JSON.stringify(['ack', last]))
  })
  slow.resume()
  await expect.poll(() => last).toBe(total)
  slow.close()
  await node.close()
})
