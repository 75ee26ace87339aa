/**
 * A node on three Cassandras at QUORUM, of which some die, hang, and come back while people write to each other: no send
 * fails, nothing is lost or comes twice, no seq is used twice, and nobody is disconnected.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { type Client, connect } from '../../src/client/index.ts'
import { cassandraStore, createNode } from '../../src/index.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { Claims, claimLimits } from '../e2e/claiming.ts'
import { closeAll } from '../e2e/raw.ts'
import { crowd } from './crowd.ts'
import { clustersHere, isWhole, newKeyspace, startMs } from './here.ts'
import { residentMb, serve } from './serve.ts'
import { type CassandraNode, startCluster } from './server.mjs'

const pairs = 20
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
type Sent = {
  readonly to: string
  readonly text: string
  readonly seq: number
  readonly ms: number
  readonly at: number
}

describe('on three Cassandras', clustersHere, () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>
  let node: ReturnType<typeof createNode>
  let url: string
  let options: CassandraOptions
  const clients = new Map<string, Client>()
  const received = new Map<string, string[]>()
  const left: string[] = []
  beforeAll(async () => {
    cluster = await startCluster(3)
    options = { ...(await newKeyspace(cluster, 3)), consistency: 'quorum' }
    node = createNode({ store: cassandraStore(options), e2ee: 'allowed', limits: claimLimits })
    url = (await node.listen({ port: 0 })).url
    for (let n = 0; n < 2 * pairs; n++) enter(`user${n}`)
    await vi.waitUntil(() => [...clients.values()].every(({ connection }) => connection.is === 'online'), 150_000)
    for (const client of clients.values()) client.on('connection', ({ is }) => is !== 'online' && left.push(is))
  }, startMs)
  afterAll(async () => {
    await Promise.all([...clients.values()].map((client) => client.close()))
    await node?.close()
    await cluster?.stop()
  })

  function enter(name: string): void {
    const client = connect({ url, token: name, device: 'phone' })
    clients.set(name, client)
    received.set(name, [])
    void (async () => {
      for await (const message of client.messages()) {
        received.get(name)?.push(`${message.from} ${message.body}`)
        message.read()
      }
    })()
  }

  let sending = 0
  /** Everybody writes to their peer, one message after the other, until `until` is over; then all that was sent must have come. */
  async function talk(until: () => Promise<void>): Promise<Sent[]> {
    const sent: Sent[] = []
    const failed: unknown[] = []
    let talking = true
    const talkers = [...clients].map(async ([from, client], n) => {
      const to = `user${n ^ 1}`
      while (talking) {
        const text = `${from} ${sending++}`
        const began = performance.now()
        try {
          const { at } = await client.send(to, text)
          sent.push({ to, text, seq: at?.seq ?? 0, ms: performance.now() - began, at: performance.now() })
        } catch (error) {
          failed.push(error)
        }
        await sleep(20)
      }
    })
    await until()
    talking = false
    await Promise.all(talkers)
    expect(failed).toEqual([])
    return sent
  }

  /** All that was sent has come once and in order, under a seq of its own, and nobody was disconnected. */
  async function allCame(sent: readonly Sent[], what: string): Promise<void> {
    const came = () => [...received.values()].flat().length
    await expect.poll(came).toBe(sent.length)
    for (const [user, texts] of received) {
      const mine = sent.filter(({ to }) => to === user)
      expect(texts.map((text) => text.slice(text.indexOf(' ') + 1))).toEqual(mine.map(({ text }) => text))
      expect(new Set(mine.map(({ seq }) => seq)).size).toBe(mine.length)
      texts.length = 0
    }
    expect(left).toEqual([])
    const waits = sent.map(({ ms }) => ms).sort((a, b) => a - b)
    const at = (part: number) => Math.round(waits[Math.floor(waits.length * part)] ?? 0)
    console.log(
      `${what}: ${sent.length} sent, 0 failed, all came once and in order; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(0.9999)} ms`,
    )
  }
  const readiness = async (url: string) => {
    const response = await fetch(`${url.replace('ws', 'http')}/readyz`)
    return { status: response.status, text: await response.text() }
  }
  const ready = () => readiness(url)
  const of = (n: number) => cluster.nodes[n] as CassandraNode

  it('fails no send and loses nothing when one is killed', async () => {
    const sent = await talk(async () => {
      await sleep(2_000)
      await of(2).kill()
      await sleep(6_000)
    })
    await allCame(sent, 'one of three killed')
    await expect.poll(ready).toMatchObject({ status: 200 })
    await of(2).start()
  })

  it('waits while two are killed, says that it is not ready, and goes on by itself when one is back', async () => {
    let back = 0
    const sent = await talk(async () => {
      await sleep(1_000)
      await Promise.all([of(1).kill(), of(2).kill()])
      await sleep(8_000)
      expect(await ready()).toMatchObject({ status: 503, text: expect.stringMatching(/^not ready: ./) })
      await of(1).start()
      back = performance.now()
      await expect.poll(async () => (await ready()).status).toBe(200)
      await sleep(3_000)
    })
    const first = Math.min(...sent.filter(({ ms }) => ms > 7_000).map(({ at }) => at))
    console.log(
      `the first send that waited went through ${Math.round(first - back)} ms after a second node took connections`,
    )
    expect(first - back).toBeLessThan(60_000)
    await allCame(sent, 'two of three killed')
    await of(2).start()
  })

  it.runIf(isWhole)(
    'gives no prekey for one use twice while many claim and one hangs, is killed, and two are, and answers each claim',
    async () => {
      const bob = connect({ url, token: 'bob', e2ee: e2ee() })
      onTestFinished(() => bob.close())
      await bob.e2ee?.place()
      const claims = new Claims()
      let isClaiming = true
      await claims.begin(url, 8, 'bob', () => isClaiming)
      const more = async (count: number) => {
        const { length } = claims.given
        await expect.poll(() => claims.given.length).toBeGreaterThan(length + count)
      }
      await more(20)
      await of(2).kill()
      await more(20)
      await of(2).start()
      of(1).pause()
      await more(20)
      await of(2).kill()
      await expect.poll(() => claims.refused.length).toBeGreaterThan(0)
      of(1).resume()
      await of(2).start()
      await more(50)
      isClaiming = false
      await expect.poll(() => claims.open).toBe(0)
      closeAll()
      expect(new Set(claims.given).size).toBe(claims.given.length)
      expect([...new Set(claims.refused)]).toEqual(['busy'])
      console.log(`${claims.given.length} prekeys given, each once; ${claims.refused.length} claims answered \`busy\``)
    },
    600_000,
  )

  it.runIf(isWhole)(
    'answers `busy` in bounded memory when more comes than its queues hold, and takes all of it when a second node is back',
    async () => {
      const server = await serve({ ...options, keyspace: (await newKeyspace(cluster, 3)).keyspace })
      onTestFinished(() => server.kill())
      const bob = connect({ url: server.url, token: 'bob' })
      const came: string[] = []
      void (async () => {
        for await (const { body } of bob.messages()) came.push(String(body))
      })()
      const [size, each] = [12, 400]
      await (await crowd(server.url, size)).talk('bob', each)
      const { counted, talk } = await crowd(server.url, size)
      await expect.poll(() => came.length).toBe(size * each)
      came.length = 0
      await Promise.all([of(1).kill(), of(2).kill()])
      const before = residentMb(server)
      const talked = talk('bob', each)
      const resident: number[] = []
      for (let second = 0; second < 20; second++) {
        await sleep(1_000)
        resident.push(residentMb(server))
      }
      const [early, most] = [resident[4] ?? 0, Math.max(...resident)]
      const busy = counted.refused['busy'] ?? 0
      expect(counted.sent).toBe(0)
      expect(busy).toBeGreaterThan(1_000)
      expect(most - early).toBeLessThan(20)
      expect((await readiness(server.url)).status).toBe(503)
      await of(1).start()
      const back = performance.now()
      const sinceBack = () => ((performance.now() - back) / 1_000).toFixed(1)
      await vi.waitUntil(() => counted.sent > 0, 150_000)
      const first = sinceBack()
      await talked
      const last = sinceBack()
      await expect.poll(() => came.length).toBe(size * each)
      for (let n = 0; n < size; n++) {
        const mine = came.filter((body) => body.startsWith(`crowd${n} `))
        expect(new Set(mine).size).toBe(each)
      }
      await bob.close()
      await of(2).start()
      console.log(
        `two of three away for 20 s and ${size * each} sends: ${busy} answers of busy; the node held ${before} MB before, ${early} MB after 5 s, ${most} MB at most; the first was sent ${first} s after the second node was back, the last after ${last} s, and all came once`,
      )
    },
    600_000,
  )

  it('gives no message twice and no seq twice when one hangs for longer than the time-outs, and goes on', async () => {
    const sent = await talk(async () => {
      await sleep(1_000)
      of(1).pause()
      await sleep(12_000)
      of(1).resume()
      await sleep(5_000)
    })
    await allCame(sent, 'one of three hanging for 12 s')
  })
})
