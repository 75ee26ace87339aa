/**
 * A real server process killed with -9 at random moments while several people send and receive: everything that got a
 * sent tick arrives once, in order, and states never fall. Rounds by KILL_ROUNDS, the seed by KILL_SEED.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { expect, it, onTestFinished } from 'vitest'
import { type Client, connect, type Lifetime, type Past } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'

const rounds = Number(process.env['KILL_ROUNDS'] ?? 5)
const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 100_000)
const users = ['ann', 'ben', 'cay', 'dan']
const order = ['queued', 'sent', 'delivered', 'read']

let state = seed
function random(): number {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31
  return state / 2 ** 31
}
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export async function serve(port: number, store: readonly string[]): Promise<ChildProcess> {
  const server = spawn(process.execPath, [
    'dist/src/cli/main.js',
    'serve',
    '--port',
    String(port),
    '--lifetime',
    'default',
    ...store,
  ])
  let printed = ''
  server.stderr.on('data', (text) => {
    printed += text
  })
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (text) => String(text).includes('listens') && resolve())
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${printed}`)))
  })
  return server
}

/** Chats of every lifetime: what vanishes must have come before, and its ticks must not vanish with it. */
const lasting = (group: string): [from: string, chat: string, lifetime: Lifetime][] => [
  ['ann', 'ben', 'temporary'],
  ['ben', 'cay', 'read 1000'],
  ['dan', 'cay', 'delivered 1000'],
  ['ann', group, 'permanent'],
]

/** What a user's history has, oldest first. */
async function historyOf(client: Client, chat: string): Promise<string[]> {
  const found: Past[] = []
  for (let page = await client.history(chat); page.length > 0; page = await client.history(chat, { before: page[0] }))
    found.unshift(...page)
  return found.flatMap(({ from, body, change }) => (change ? [] : `${from} ${body}`))
}

/** `store`: the options of `bluetick serve` that name it. */
export function killTest(name: string, store: () => readonly string[]): void {
  it(
    `${name}: loses, doubles and disorders nothing in ${rounds} rounds of kill -9 (seed ${seed})`,
    async () => {
      const clients = new Map<string, Client>()
      const received = new Map<string, string[]>(users.map((user) => [user, []]))
      const safe: { readonly from: string; readonly to: string; readonly n: string }[] = []
      const falls: string[] = []
      const port = await freePort()
      let server = await serve(port, store())
      onTestFinished(() => void server.kill('SIGKILL'))
      for (const user of users) {
        const client = connect({ url: `ws://127.0.0.1:${port}`, token: user, device: 'test' })
        clients.set(user, client)
        const states = new Map<string, number>()
        client.on('message', ({ id, state }) => {
          const now = order.indexOf(state)
          if (now < (states.get(id) ?? 0)) falls.push(`${id} fell to ${state}`)
          states.set(id, now)
        })
        void (async () => {
          for await (const message of client.messages()) {
            if (!message.change) received.get(user)?.push(`${message.chat} ${message.from} ${message.body}`)
            if (random() < 0.5) message.read()
          }
        })()
      }
      const group = await (clients.get('ann') as Client).createGroup('Everybody', users.slice(1))
      for (const [from, chat, lifetime] of lasting(group)) await clients.get(from)?.setLifetime(chat, lifetime)
      let sending = true
      const senders = users.map(async (from) => {
        let waiting = 0
        for (let n = 0; sending; n++) {
          // On a machine that starts servers slowly the backlog would grow with each round.
          while (waiting > 500 && sending) await sleep(20)
          const to = [...users, group][Math.floor(random() * (users.length + 1))] as string
          const text = String(n)
          const client = clients.get(from) as Client
          const { id } = await client.queue(to, text)
          waiting += 1
          void client.reached(id, 'sent').then(() => {
            waiting -= 1
            safe.push({ from, to, n: text })
          })
          await sleep(random() * 8)
        }
      })
      for (let round = 0; round < rounds; round++) {
        // Most rounds have traffic, however busy the machine; some end while the clients still come back.
        const before = safe.length
        if (random() < 0.8) await expect.poll(() => safe.length, { interval: 20 }).toBeGreaterThan(before)
        await sleep(random() * 600)
        const ended = new Promise((resolve) => server.once('exit', resolve))
        server.kill('SIGKILL')
        await ended
        server = await serve(port, store())
        for (const client of clients.values()) client.retryNow()
      }
      sending = false
      await Promise.all(senders)
      const open = async () => (await Promise.all([...clients.values()].map((client) => client.outbox()))).flat()
      await expect.poll(async () => (await open()).filter(({ state }) => state === 'queued').length).toBe(0)
      /** What a user must have got, as `chat sender number`: their own messages, and the group's by others. */
      const due = (user: string) =>
        safe.flatMap(({ from, to, n }) => {
          if (to === user) return [`${from} ${from} ${n}`]
          return to === group && from !== user ? [`${group} ${from} ${n}`] : []
        })
      const count = users.reduce((sum, user) => sum + due(user).length, 0)
      await expect.poll(() => [...received.values()].flat().length).toBe(count)
      await expect.poll(async () => (await open()).filter(({ state }) => state === 'sent').length).toBe(0)
      for (const [user, texts] of received) {
        expect(new Set(texts).size).toBe(texts.length)
        expect([...texts].sort()).toEqual(due(user).sort())
        for (const chat of [...users, group]) {
          for (const from of users) {
            const numbers = texts
              .filter((text) => text.startsWith(`${chat} ${from} `))
              .map((text) => Number(text.split(' ')[2]))
            expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
          }
        }
      }
      // The group has one order: what ann and ben both got of others, they got alike.
      const seen = (user: string) =>
        (received.get(user) ?? []).filter((text) => text.startsWith(group) && !/ (ann|ben) /.test(text))
      expect(seen('ann')).toEqual(seen('ben'))
      expect(falls).toEqual([])
      // The group is permanent: each has in their history what everybody wrote, once and in the order that all share.
      const texts = safe.filter(({ to }) => to === group).map(({ from, n }) => `${from} ${n}`)
      const histories = await Promise.all(users.map((user) => historyOf(clients.get(user) as Client, group)))
      for (const history of histories) expect([...history].sort()).toEqual([...texts].sort())
      const others = (n: number) => histories[n]?.filter((text) => !/^(ann|ben) /.test(text))
      expect(others(0)).toEqual(others(1))
      console.log(
        `${rounds} rounds, seed ${seed}: ${safe.length} sent, ${safe.filter(({ to }) => to === group).length} of them to a group, ${count} received once and in order`,
      )
      for (const client of clients.values()) await client.close()
    },
    rounds * 10_000 + 150_000,
  )
}
