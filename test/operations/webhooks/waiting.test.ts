/** Who has no connected device: a service that is to push hears of what waits for them. */
import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../../src/client/index.ts'
import { createNode, memoryStore, type NodeOptions } from '../../../src/index.ts'
import { acknowledging, dial } from '../../e2e/raw.ts'
import { receiver, secret } from './receiver.ts'

async function begin(options: Partial<NodeOptions> = {}) {
  const service = await receiver()
  const node = createNode({ store: memoryStore(), webhooks: { url: service.url, secrets: [secret] }, ...options })
  onTestFinished(() => node.close())
  const { url } = await node.listen({ port: 0 })
  const come = async (token: string) => {
    const client = connect({ url, token, device: 'phone' })
    onTestFinished(() => client.close())
    await expect.poll(() => client.connection.is).toBe('online')
    return client
  }
  return { service, node, url, come, waiting: () => service.of('message.waiting').map(({ data }) => data) }
}

it('a message waits for who is away, with how many of its chat do, and for nobody who is here', async () => {
  const { service, node, come, waiting } = await begin()
  await come('ann')
  await node.send({ from: 'shop', to: 'ann', body: 'here' })
  for (const from of ['shop', 'shop', 'cid']) await node.send({ from, to: 'bob', body: 'away' })
  await node.send({ from: 'bob', to: 'bob', body: 'a note' })
  const last = await node.send({ from: 'cid', to: 'bob', body: 'to be read' })
  await expect.poll(() => service.of('message.accepted')).toHaveLength(6)
  await expect
    .poll(() => waiting().map(({ from, to, unread }) => [from, to, unread]))
    .toEqual([
      ['shop', 'bob', 1],
      ['shop', 'bob', 2],
      ['cid', 'bob', 1],
      ['cid', 'bob', 2],
    ])
  const bob = await come('bob')
  let got = 0
  for await (const message of bob.messages()) {
    if (message.seq === last.seq) message.read()
    if (++got === 5) break
  }
  await expect.poll(() => service.of('message.read').map(({ data }) => data['from'])).toEqual(['cid'])
  const told = (type: string) => service.of(type).map(({ data }) => data['user'])
  await expect.poll(() => told('user.online')).toContain('bob')
  await bob.close()
  await expect.poll(() => told('user.offline')).toContain('bob')
  for (const from of ['shop', 'cid']) await node.send({ from, to: 'bob', body: 'away again' })
  // What a device has got and nobody has read counts, and what was read does not.
  await expect
    .poll(() =>
      waiting()
        .slice(4)
        .map(({ from, unread }) => [from, unread]),
    )
    .toEqual([
      ['shop', 3],
      ['cid', 1],
    ])
})

it('what one of two devices has read is read, also of what was told too late', async () => {
  const { service, node, url, waiting } = await begin()
  const [phone, laptop] = [
    await dial(url, 'bob', 'phone', acknowledging),
    await dial(url, 'bob', 'laptop', acknowledging),
  ]
  for (const raw of [phone, laptop]) await expect.poll(() => raw.of('welcome')).toHaveLength(1)
  const first = await node.send({ from: 'shop', to: 'bob', body: 'one' })
  await node.send({ from: 'shop', to: 'bob', body: 'two' })
  await expect.poll(() => phone.of('message')).toHaveLength(2)
  phone.say('read', 'shop', first.seq)
  // By then an entry says it.
  await expect.poll(() => phone.of('done')).toHaveLength(1)
  for (const { socket } of [phone, laptop]) socket.close()
  await expect.poll(() => service.of('user.offline')).toHaveLength(1)
  await node.send({ from: 'shop', to: 'bob', body: 'three' })
  await expect.poll(waiting).toMatchObject([{ to: 'bob', unread: 2 }])
  await service.kill()
  await node.send({ from: 'shop', to: 'bob', body: 'four' })
  const again = await dial(url, 'bob', 'phone', acknowledging)
  await expect.poll(() => again.of('message').map(([, , , , , body]) => body)).toContain('four')
  again.say('read', 'shop', Number(again.of('message').at(-1)?.[1]))
  await expect.poll(() => again.of('done')).toHaveLength(1)
  await service.start()
  await expect.poll(() => waiting().at(-1)).toMatchObject({ unread: 0 })
})

it('in a group it waits for each member who is away, once, and is accepted once', async () => {
  const { service, come, waiting } = await begin()
  const ann = await come('ann')
  await come('cid')
  const group = await ann.createGroup('Team', ['bob', 'cid', 'dot'])
  const { id } = await ann.send(group, 'hello')
  const about = () => waiting().filter((data) => data['id'] === id)
  await expect
    .poll(() =>
      about()
        .map(({ to }) => to)
        .sort(),
    )
    .toEqual(['bob', 'dot'])
  expect(about()[0]).toMatchObject({ from: 'ann', group, unread: 1 })
  await expect.poll(() => service.of('message.accepted').filter(({ data }) => data['id'] === id)).toHaveLength(1)
  expect(service.of('message.accepted').at(-1)?.data).toMatchObject({ to: group, body: 'hello' })
})

it('who comes and goes is told of, and who only comes back is not', async () => {
  const { service, come } = await begin()
  const states = () => service.taken.filter(({ type }) => type.startsWith('user.')).map(({ type }) => type)
  const first = await come('ann')
  await expect.poll(states).toEqual(['user.online'])
  await first.close()
  const again = await come('ann')
  await again.close()
  await expect.poll(states).toEqual(['user.online', 'user.offline'])
})

it('what came while a phone was gone and nobody knew it waits for it once that is known', async () => {
  const { service, node, url, waiting } = await begin()
  const phone = await dial(url, 'bob')
  await expect.poll(() => phone.of('welcome')).toHaveLength(1)
  const { seq } = await node.send({ from: 'shop', to: 'bob', body: 'got' })
  await expect.poll(() => phone.of('message')).toHaveLength(1)
  phone.say('ack', seq)
  await node.send({ from: 'shop', to: 'bob', body: 'not got' })
  await expect.poll(() => service.of('message.accepted')).toHaveLength(2)
  expect(waiting()).toEqual([])
  phone.socket.terminate()
  await expect.poll(waiting).toMatchObject([{ to: 'bob', unread: 2, at: { seq: seq + 1 } }])
})

it('the next start tells nobody of what a device has got, but of what was not told', async () => {
  const store = memoryStore()
  const first = await begin({ store })
  const bob = await first.come('bob')
  await first.node.send({ from: 'shop', to: 'bob', body: 'got' })
  // To ask for the next is to have this one.
  void (async () => {
    for await (const _ of bob.messages());
  })()
  await expect.poll(async () => (await first.node.inspect('bob'))?.devices[0]?.cursor).toBe(1)
  await bob.close()
  await first.node.close()
  const { service, node, come, waiting } = await begin({ store })
  await node.send({ from: 'shop', to: 'bob', body: 'new' })
  // Who comes now is looked at with bob.
  await come('ann')
  await expect.poll(() => service.of('user.online')).toHaveLength(1)
  await node.send({ from: 'shop', to: 'bob', body: 'last' })
  await expect
    .poll(() => waiting().map(({ at, unread }) => [(at as { seq: number }).seq, unread]))
    .toEqual([
      [2, 2],
      [3, 3],
    ])
})

it('onWaiting is told of the same, and of no message twice', async () => {
  const told: unknown[] = []
  const { node, come } = await begin({ onWaiting: ({ from, to, group }) => told.push([from, to, group]) })
  const ann = await come('ann')
  const group = await ann.createGroup('Team', ['bob', 'cid'])
  await come('cid')
  await ann.send(group, 'hello')
  await node.send({ from: 'shop', to: 'bob', body: 'hello' })
  await expect
    .poll(() => told.filter((one) => String(one).startsWith('ann') || String(one).startsWith('shop')))
    .toEqual(
      expect.arrayContaining([
        ['ann', 'bob', group],
        ['shop', 'bob', undefined],
      ]),
    )
  expect(told.filter((one) => String(one) === String(['ann', 'cid', group]))).toEqual([])
})
