/** What Prometheus reads: by itself, and by a real Prometheus. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { isDeepStrictEqual } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { Counts } from '../../src/embed/counts.ts'
import { createNode, fileMedia, lmdbStore, memoryStore, type NodeOptions } from '../../src/index.ts'
import { nodeMetrics } from '../../src/operations/metrics.ts'
import { freePort } from '../ports.ts'
import { needs } from '../skips.ts'
import { secret } from './webhooks/receiver.ts'

const operatorToken = 'the token of operators'
const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

async function start(options: Partial<NodeOptions> = {}) {
  const authenticate: NodeOptions['authenticate'] = (token) =>
    token === 'wrong' || !token ? undefined : { user: token }
  const node = createNode({ store: memoryStore(), authenticate, operatorToken, ...options })
  ending.push(() => node.close())
  const { url } = await node.listen({ port: 0 })
  const http = url.replace('ws', 'http')
  const read = async () => {
    const headers = { authorization: `Bearer ${operatorToken}` }
    const response = await fetch(`${http}/metrics`, { headers })
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
    return response.text()
  }
  return { node, url, http, read }
}

/** The number of a metric, with its labels as they are written. */
function value(text: string, metric: string): number | undefined {
  const line = text.split('\n').find((line) => line.startsWith(`${metric} `))
  return line === undefined ? undefined : Number(line.split(' ')[1])
}

/** Acknowledgements come after reads. */
const delivered = (read: () => Promise<string>, count: number) => () =>
  expect.poll(async () => value(await read(), 'bluetick_messages_delivered_total'), { timeout: 60_000 }).toBe(count)

/** Until the client is closed. */
async function readAll(client: Client): Promise<void> {
  for await (const message of client.messages()) message.read()
}

/** Somebody comes, writes three messages, is refused once, and goes; somebody else does not come in. */
async function talk(url: string, settled = async () => {}): Promise<void> {
  const [alice, bob] = [connect({ url, token: 'alice' }), connect({ url, token: 'bob' })]
  const reading = readAll(bob)
  for (const body of ['one', 'two', 'three']) {
    const { id } = await alice.send('bob', body)
    await alice.reached(id, 'read')
  }
  await alice.send('#nowhere', 'nobody').catch(() => undefined)
  const wrong = connect({ url, token: 'wrong' })
  await expect.poll(() => wrong.connection.is).toBe('closed')
  await settled()
  await Promise.all([alice.close(), bob.close(), wrong.close(), reading])
}

/** Three pairs talk at the same time. Answers what the clients of those who wrote have seen become of it. */
async function load(url: string, settled: () => Promise<void>) {
  const seen = { sent: new Set<string>(), delivered: new Set<string>(), read: new Set<string>() }
  const pair = async (n: number) => {
    const [from, to] = [connect({ url, token: `from-${n}` }), connect({ url, token: `to-${n}` })]
    from.on('message', ({ id, state }) => {
      if (state === 'read') seen.delivered.add(id)
      if (state in seen) seen[state as keyof typeof seen].add(id)
    })
    const reading = readAll(to)
    const sent = await Promise.all(Array.from({ length: 50 }, (_, at) => from.send(`to-${n}`, `${at}`)))
    await Promise.all(sent.map(({ id }) => from.reached(id, 'read')))
    return async () => void (await Promise.all([from.close(), to.close(), reading]))
  }
  const ends = await Promise.all([1, 2, 3].map(pair))
  await settled()
  await Promise.all(ends.map((end) => end()))
  return { sent: seen.sent.size, delivered: seen.delivered.size, read: seen.read.size }
}

it('counts what happened, and agrees with stats', async () => {
  const { node, url, read } = await start()
  await talk(url, delivered(read, 3))
  await expect.poll(() => node.stats().sessions).toBe(0)
  let text = ''
  // What is told at once is written some seconds later, and nothing may come between the two readings.
  await expect
    .poll(
      async () => {
        const before = node.stats()
        text = await read()
        return isDeepStrictEqual(before, node.stats())
      },
      { timeout: 60_000 },
    )
    .toBe(true)
  const { messages, turns, users } = node.stats()
  for (const [metric, expected] of Object.entries({
    bluetick_sessions: 0,
    bluetick_users_awake: users.awake,
    bluetick_store_up: 1,
    bluetick_entered_total: 2,
    'bluetick_refused_connections_total{code="bad_token"}': 1,
    'bluetick_left_total{code="1000"}': 2,
    bluetick_messages_accepted_total: 3,
    bluetick_messages_delivered_total: 3,
    bluetick_messages_read_total: 3,
    'bluetick_refused_frames_total{code="unknown_group"}': 1,
    bluetick_actor_messages_total: messages,
    bluetick_actor_turns_total: turns,
    bluetick_actor_restarts_total: 0,
    'bluetick_append_seconds_bucket{le="+Inf"}': value(text, 'bluetick_append_seconds_count'),
  }))
    expect(value(text, metric), metric).toBe(expected)
  for (const some of ['receipts_total', 'received_bytes_total', 'sent_bytes_total', 'append_seconds_count'])
    expect(value(text, `bluetick_${some}`), some).toBeGreaterThan(0)
  expect(value(text, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
  expect(await node.metrics()).toContain('bluetick_messages_accepted_total 3')
  expect(text, 'a store without a disk').not.toContain('bluetick_sync_seconds')
})

it('counts what is handed to the members of groups, and what is being transferred', async () => {
  const media = fileMedia(mkdtempSync(join(tmpdir(), 'bluetick-metrics-')))
  const { url, http, read } = await start({ media })
  const admin = connect({ url, token: 'alice' })
  const members = ['bob', 'carol', 'dave']
  const group = await admin.createGroup('Four', members)
  const copies = async () => value(await read(), 'bluetick_group_copies_total')
  // That it was made is for its admin, and who is in it for all.
  await expect.poll(copies).toBe(5)
  await admin.send(group, 'hi')
  await expect.poll(copies).toBe(8)
  expect(value(await read(), 'bluetick_messages_accepted_total')).toBe(3)
  const groups = async () =>
    ['awake', 'hibernated'].map(async (state) => value(await read(), `bluetick_groups_${state}`))
  expect((await Promise.all(await groups())).sort()).toEqual([0, 1])
  const transfers = async () => value(await read(), 'bluetick_media_transfers')
  expect(await transfers()).toBe(0)
  const upload = request(`${http}/media`, {
    method: 'POST',
    headers: { authorization: 'Bearer alice', 'content-length': 100_000 },
  })
  upload.write(Buffer.alloc(50_000))
  await expect.poll(transfers).toBe(1)
  const answered = once(upload, 'response')
  upload.end(Buffer.alloc(50_000))
  const [answer] = await answered
  expect(answer.statusCode).toBe(201)
  await expect.poll(transfers).toBe(0)
  const { id } = JSON.parse(await text(answer))
  const bytes = async () =>
    ['received', 'sent'].map(async (way) => value(await read(), `bluetick_media_${way}_bytes_total`))
  expect(await Promise.all(await bytes())).toEqual([100_000, 0])
  const range = { authorization: 'Bearer alice', range: 'bytes=0-999' }
  expect((await (await fetch(`${http}/media/${id}`, { headers: range })).bytes()).length).toBe(1_000)
  expect(await Promise.all(await bytes())).toEqual([100_000, 1_000])
  await admin.close()
})

it('tells that the store is down, and which faults there were', async () => {
  const store = memoryStore()
  const health = async () => ({ ok: false as const, reason: 'the disk is full' })
  const append = () => Promise.reject(new Error('the disk is full'))
  const { url, read } = await start({ store: { ...store, health, append }, onFault: () => {} })
  const alice = connect({ url, token: 'alice' })
  const sending = alice.send('bob', 'hi').catch(() => undefined)
  await expect.poll(async () => value(await read(), 'bluetick_faults_total{where="store"}')).toBeGreaterThan(0)
  expect(value(await read(), 'bluetick_store_up')).toBe(0)
  await alice.close()
  await sending
})

it('tells how long the disk takes, apart from how long an append does', async () => {
  const store = lmdbStore(mkdtempSync(join(tmpdir(), 'bluetick-metrics-')))
  const { node, read } = await start({ store })
  for (let n = 0; n < 3; n++) await node.send({ from: 'alice', to: 'bob', body: `${n}` })
  const text = await read()
  const count = (of: string) => value(text, `bluetick_${of}_seconds_count`) ?? 0
  expect(count('append')).toBe(3)
  expect(count('sync')).toBe(3)
  const sum = (of: string) => value(text, `bluetick_${of}_seconds_sum`) ?? 0
  expect(sum('sync')).toBeGreaterThan(0)
  // An append takes as long as its write, but is timed in whole milliseconds.
  expect(sum('append') + 0.003).toBeGreaterThan(sum('sync'))
})

it('is for operators alone', async () => {
  const { http } = await start()
  expect((await fetch(`${http}/metrics`)).status).toBe(403)
  expect((await fetch(`${http}/metrics`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(403)
})

/** What a node has beside in a cluster, on Cassandra. */
async function clustered(): Promise<string> {
  const stats = { sessions: 0, users: { present: 0, awake: 0 }, messages: 0, turns: 0, wakes: 0, hibernations: 0 }
  const nodes = [
    { name: 'a', isLinked: true, waiting: 0 },
    { name: 'b', isLinked: true, waiting: 700 },
    { name: 'c', isLinked: false, waiting: 0 },
  ]
  const store = {
    ...memoryStore(),
    health: async () => ({ ok: true as const }),
    traffic: () => ({ running: 3, waiting: 4 }),
  }
  return nodeMetrics({
    counts: new Counts(),
    stats: () => ({ ...stats, restarts: 0, deadLetters: 0, overflows: 0 }),
    store,
    groups: () => stats.users,
    backlog: () => 5,
    cluster: () => ({ name: 'a', standing: 'up', shards: [1, 2], moving: 1, sessions: 9, nodes }),
  }).read()
}

it('tells how the cluster is, and what waits for Cassandra', async () => {
  const text = await clustered()
  const numbers = { nodes: 3, nodes_unlinked: 1, shards: 2, shards_moving: 1, sessions: 9, waiting_bytes: 700, up: 1 }
  for (const [name, number] of Object.entries(numbers))
    expect(value(text, `bluetick_cluster_${name}`), name).toBe(number)
  expect([value(text, 'bluetick_store_requests'), value(text, 'bluetick_store_requests_waiting')]).toEqual([3, 4])
})

it('tells what connected devices have not acknowledged, and what was read for those that were behind', async () => {
  const { node, url, read } = await start()
  for (let n = 0; n < 20; n++) await node.send({ from: 'alice', to: 'bob', body: `${n}` })
  const bob = connect({ url, token: 'bob' })
  const replayed = async () => value(await read(), 'bluetick_replayed_entries_total')
  await expect.poll(replayed).toBe(20)
  const backlog = async () => value(await read(), 'bluetick_inbox_backlog')
  let taken = 0
  for await (const _ of bob.messages()) if (++taken === 20) break
  // The last is acknowledged when the next is asked for.
  await expect.poll(backlog).toBe(1)
  await bob.close()
  await expect.poll(backlog).toBe(0)
})

const prometheus = needs('Prometheus', existsSync('/usr/bin/promtool'), 'apt-get install prometheus')

describe('Prometheus', prometheus, () => {
  it('finds nothing wrong with the metrics, the rules of docs/operations, and its configuration', async () => {
    const { url, read } = await start()
    await talk(url)
    const promtool = (args: string[], input = '') =>
      execFileSync('/usr/bin/promtool', args, { input, encoding: 'utf8' })
    promtool(['check', 'metrics'], await read())
    expect(promtool(['check', 'rules', 'docs/operations/alerts.yml'])).toMatch(/SUCCESS: \d+ rules found/)
    expect(promtool(['check', 'config', '--syntax-only', 'docs/operations/prometheus.yml'])).toContain('SUCCESS')
  })

  it('scrapes a node, and tells what its clients counted', async () => {
    const { node, url, http, read } = await start()
    const folder = mkdtempSync(join(tmpdir(), 'bluetick-prometheus-'))
    const port = await freePort()
    writeFileSync(join(folder, 'token'), operatorToken)
    const configuration = readFileSync('docs/operations/prometheus.yml', 'utf8')
      .replace('/etc/bluetick/operator-token', join(folder, 'token'))
      .replace('127.0.0.1:8080', http.slice('http://'.length))
      .replace('alerts.yml', join(process.cwd(), 'docs/operations/alerts.yml'))
    writeFileSync(join(folder, 'prometheus.yml'), `global: { scrape_interval: 1s }\n${configuration}`)
    const server = spawn('/usr/bin/prometheus', [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    ending.push(() => server.kill('SIGKILL'))
    const ask = async (query: string): Promise<string | undefined> => {
      const asked = `http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query })}`
      const response = await fetch(asked).catch(() => undefined)
      const { data } = response?.ok ? await response.json() : {}
      return data?.result[0]?.value[1]
    }
    await talk(url, delivered(read, 3))
    const poll = (query: string) => expect.poll(() => ask(query), { interval: 200, timeout: 60_000 })
    await poll('up{job="bluetick"}').toBe('1')
    const counted = await load(url, delivered(read, 153))
    await poll('bluetick_messages_accepted_total').toBe(String(3 + counted.sent))
    await poll('bluetick_messages_delivered_total').toBe(String(3 + counted.delivered))
    await poll('bluetick_messages_read_total').toBe(String(3 + counted.read))
    await poll('bluetick_refused_connections_total{code="bad_token"}').toBe('1')
    await poll('sum(bluetick_left_total)').toBe('8')
    expect(counted).toEqual({ sent: 150, delivered: 150, read: 150 })
    const names = ['sessions', 'actor_messages_total', 'actor_turns_total', 'actor_wakes_total']
    const scraped = () => Promise.all(names.map((name) => ask(`bluetick_${name}`)))
    const known = () => {
      const { sessions, messages, turns, wakes } = node.stats()
      return [sessions, messages, turns, wakes].map(String)
    }
    await expect.poll(async () => isDeepStrictEqual(await scraped(), known()), { timeout: 60_000 }).toBe(true)
  })

  it('has what each panel of the dashboard asks for', async () => {
    // Those of webhooks and media are there where there are any.
    const webhooks = { url: 'http://127.0.0.1:1/', secrets: [secret], events: ['message.read'] as const }
    const media = fileMedia(mkdtempSync(join(tmpdir(), 'bluetick-metrics-')))
    const store = lmdbStore(mkdtempSync(join(tmpdir(), 'bluetick-metrics-')))
    const { url, read } = await start({ store, webhooks, media })
    await talk(url)
    const text = (await read()) + (await clustered())
    const { panels } = JSON.parse(readFileSync('docs/operations/grafana.json', 'utf8'))
    const asked = panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr))
    const rules = readFileSync('docs/operations/alerts.yml', 'utf8')
    const names = [...asked, rules].join('\n').match(/\b(bluetick|nodejs|process)_\w+/g) ?? []
    expect(names.length).toBeGreaterThan(20)
    for (const name of new Set(names)) expect(text, name).toContain(`# TYPE ${name.replace(/_bucket$/, '')} `)
  })
})
