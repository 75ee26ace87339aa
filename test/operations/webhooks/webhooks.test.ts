/** A node and a service that is told what happens, which goes, comes back, is slow, and refuses. */
import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../../src/client/index.ts'
import { completeOptions } from '../../../src/embed/options.ts'
import { createNode, memoryStore, type NodeOptions, type Store, type WebhookOptions } from '../../../src/index.ts'
import { startHosts } from '../../../src/node/hosts.ts'
import type { UserId } from '../../../src/protocol/ids.ts'
import { type Clock, systemClock } from '../../../src/runtime/index.ts'
import { receiver, secret, secretOf } from './receiver.ts'

async function begin(url: string, more: Partial<WebhookOptions> = {}, options: Partial<NodeOptions> = {}) {
  const node = createNode({ store: memoryStore(), webhooks: { url, secrets: [secret], ...more }, ...options })
  onTestFinished(() => node.close())
  return { node, url: (await node.listen({ port: 0 })).url }
}

/** Of each user, the last words of the first time that each event came. */
function orders(events: readonly { id: string; data: { to?: string; body?: string } }[]): Record<string, number[]> {
  const seen = new Set<string>()
  const found: Record<string, number[]> = {}
  for (const { id, data } of events) {
    if (seen.has(id)) continue
    seen.add(id)
    found[data.to ?? ''] = [...(found[data.to ?? ''] ?? []), Number(data.body)]
  }
  return found
}

it('a service is told what was sent, delivered and read, in requests that its library verifies', async () => {
  const service = await receiver()
  const { url } = await begin(service.url)
  const [alice, bob] = [connect({ url, token: 'alice' }), connect({ url, token: 'bob' })]
  onTestFinished(async () => void (await Promise.all([alice.close(), bob.close()])))
  const reading = (async () => {
    for await (const message of bob.messages()) return message.read()
  })()
  const { id } = await alice.send('bob', 'hello')
  await reading
  await expect.poll(() => service.of('message.read')).toHaveLength(1)
  expect(service.of('message.accepted')[0]?.data).toMatchObject({ id, from: 'alice', to: 'bob', body: 'hello' })
  const { at } = service.of('message.accepted')[0]?.data ?? {}
  expect(service.of('message.delivered').at(-1)?.data).toEqual({ from: 'alice', to: 'bob', upTo: at })
  expect(service.of('message.read')[0]?.data).toEqual({ from: 'alice', to: 'bob', upTo: at })
  expect(service.wrong).toEqual([])
})

it('a service that is killed and started again 50 times is told of each message, in the order of each user', async () => {
  const service = await receiver()
  const { node } = await begin(service.url, { events: ['message.accepted'] })
  const users = ['ann', 'ben', 'cid', 'dot', 'eve']
  let sent = 0
  for (let round = 0; round < 50; round++) {
    const before = service.taken.length
    const sends = Array.from({ length: 20 }, () => {
      sent += 1
      return node.send({ from: 'shop', to: users[sent % users.length] as string, body: String(sent) })
    })
    await Promise.all(sends)
    await expect.poll(() => service.taken.length, { interval: 5 }).toBeGreaterThan(before)
    await service.kill()
    await service.start()
  }
  await expect.poll(() => new Set(service.taken.map(({ id }) => id)).size).toBe(sent)
  const all = (at: number) =>
    Array.from({ length: sent / users.length }, (_, n) => n * users.length + (at || users.length))
  expect(orders(service.taken)).toEqual(Object.fromEntries(users.map((user, at) => [user, all(at)])))
})

it('what a node could not send before it ended goes with the next, with the message that it is about', async () => {
  const service = await receiver()
  await service.kill()
  const store = memoryStore()
  const first = createNode({ store, webhooks: { url: service.url, secrets: [secret] } })
  await first.listen({ port: 0 })
  for (const body of ['1', '2', '3']) await first.send({ from: 'shop', to: 'bob', body })
  await first.close()
  await service.start()
  await begin(service.url, {}, { store })
  await expect.poll(() => service.of('message.accepted').map(({ data }) => data['body'])).toEqual(['1', '2', '3'])
})

it('a message that a crash left without its event is told of before anybody hears of it', async () => {
  const service = await receiver()
  const store = memoryStore()
  await store.open()
  let dies = false
  // As by kill -9 between the two writes: the message is durable, what belongs to it is not, and nobody was answered.
  const append: Store['append'] = (owner, ...rest) =>
    dies && owner.startsWith('outbox') ? new Promise<never>(() => {}) : store.append(owner, ...rest)
  const webhooks: WebhookOptions = { url: service.url, secrets: [secret], events: ['message.accepted'] }
  const first = await startHosts(completeOptions({ store: { ...store, append }, webhooks }), () => {}, systemClock)
  await first.join()
  await first.node.send({ from: 'shop', to: 'bob', body: '1' })
  await expect.poll(() => service.taken).toHaveLength(1)
  dies = true
  const message = { from: 'shop', to: 'bob', body: '2', id: '00000000-0000-7000-8000-000000000002' }
  void first.node.send(message)
  const tail = async () => (await store.load('bob' as UserId))?.tail
  await expect.poll(tail).toBe(2)
  first.runtime.stop()
  first.runtime.end()
  const { node } = await begin(service.url, { events: ['message.accepted'] }, { store })
  await node.send(message)
  // The first comes again, under its id: that it was taken was not saved.
  const bodies = () => [...new Map(service.taken.map(({ id, data }) => [id, data['body']])).values()]
  await expect.poll(bodies).toEqual(['1', '2'])
  expect(await tail()).toBe(2)
})

it('what is deleted before it is sent is not told, but that there was something', async () => {
  const service = await receiver()
  await service.kill()
  const { node } = await begin(service.url, { events: ['message.accepted'] })
  await node.send({ from: 'shop', to: 'bob', body: 'secret' })
  await node.deleteChat('bob', 'shop')
  await service.start()
  await expect.poll(() => service.taken).toHaveLength(1)
  expect(service.taken[0]?.data).not.toHaveProperty('body')
})

/** A hundred times as fast as soon as it is told: a node that begins while it is would give up what takes long on a busy machine. */
function fasterClock() {
  let [times, from] = [1, 0]
  const clock: Clock = {
    ...systemClock,
    monotonic: () => from + (systemClock.monotonic() - from) * times,
    after: (ms, run) => systemClock.after(ms / times, run),
    every: (ms, run) => systemClock.every(ms / times, run),
  }
  const speedUp = () => {
    from = systemClock.monotonic()
    times = 100
  }
  return { clock, speedUp }
}

it('an event that a service never takes is put aside and listed, and holds up nobody else', async () => {
  const service = await receiver(({ data }) => (data['to'] === 'bad' ? 500 : undefined))
  const { clock, speedUp } = fasterClock()
  const store = memoryStore()
  await store.open()
  const webhooks: WebhookOptions = { url: service.url, secrets: [secret], events: ['message.accepted'] }
  const { node, metrics, runtime, join } = await startHosts(completeOptions({ store, webhooks }), () => {}, clock)
  await join()
  speedUp()
  onTestFinished(() => runtime.stop())
  // Deadlines are as fast, so that some of what is sent is to be sent again.
  const send = (to: string, id?: string) =>
    node.send({ from: 'shop', to, body: 'hi', ...(id && { id }) }).then(
      () => true,
      () => false,
    )
  while (!(await send('bad', '00000000-0000-7000-8000-000000000001')));
  // While it is alone nobody can tell whether the event or the service is to blame.
  while ((await node.deadWebhooks()).length === 0) {
    const before = service.taken.length
    // One at a time: there is no more to wait for at the end than one can wait for.
    if (await send('good')) await expect.poll(() => service.taken.length, { interval: 1 }).toBeGreaterThan(before)
  }
  const [dead] = await node.deadWebhooks()
  expect(dead).toMatchObject({ type: 'message.accepted', data: { to: 'bad' }, why: 'it answered 500' })
  await expect.poll(() => metrics.read()).toContain('bluetick_webhooks_waiting 0')
  expect(await metrics.read()).toContain('bluetick_webhooks_dead_total 1')
  expect(service.of('message.accepted').every(({ data }) => data['to'] === 'good')).toBe(true)
})

it('secrets are changed while it runs: all that there are sign', async () => {
  const service = await receiver()
  let secrets = [secret]
  const { node } = await begin(service.url, { secrets: () => secrets, events: ['message.accepted'] })
  const tell = async (body: string) => {
    await node.send({ from: 'shop', to: 'bob', body })
    await expect.poll(() => service.taken.at(-1)?.data['body']).toBe(body)
  }
  await tell('by the first')
  secrets = [secret, secretOf('t')]
  await tell('by both')
  service.trust(secretOf('t'))
  await tell('by both, and the second is trusted')
  secrets = [secretOf('t')]
  await tell('by the second')
  expect(service.wrong).toEqual([])
})

it('a service that asks for time gets it', async () => {
  const at: number[] = []
  const service = await receiver((_, response) => {
    at.push(performance.now())
    if (at.length > 1) return undefined
    response.setHeader('retry-after', '2')
    return 503
  })
  const { node } = await begin(service.url, { events: ['message.accepted'] })
  await node.send({ from: 'shop', to: 'bob', body: '1' })
  await expect.poll(() => service.taken).toHaveLength(1)
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(1_990)
})

it.each([
  [{ url: 'nowhere', secrets: [secret] }, 'webhooks.url must be an http or https URL, not "nowhere"'],
  [{ url: 'http://127.0.0.1/', secrets: [] }, 'there is no secret to sign with'],
  [{ url: 'http://127.0.0.1/', secrets: ['short'] }, 'secret 1 must be whsec_ and the base64 of 24 to 64 bytes'],
  [
    { url: 'http://127.0.0.1/', secrets: [secret], events: ['message.lost'] },
    /webhooks: events must be a list of events/,
  ],
  [{ url: 'http://127.0.0.1/' }, /webhooks needs secrets/],
])('refuses %j', (webhooks, words) =>
  expect(() => createNode({ store: memoryStore(), webhooks: webhooks as never })).toThrow(words),
)
