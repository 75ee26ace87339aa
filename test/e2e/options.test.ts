/** What a program hands to a node and its stores: what cannot be is refused at once, in a sentence that names it. */
import { expect, it } from 'vitest'
import { fileStorage } from '../../src/client/node.ts'
import { cassandraStore, createNode, fileMedia, lmdbStore, memoryStore } from '../../src/index.ts'

const store = memoryStore()
/** As JavaScript would call them. */
const node = (options: unknown) => () => createNode(options as never)
const cluster = { contactPoints: ['127.0.0.1'], localDc: 'dc1', keyspace: 'bluetick' }

it('createNode names the option that it does not have, or that cannot be', () => {
  expect(node(undefined)).toThrow(new TypeError('createNode takes an object of options'))
  expect(node({})).toThrow(
    new TypeError('createNode needs store: lmdbStore(folder), cassandraStore(options) or memoryStore()'),
  )
  expect(node({ store: 'data' })).toThrow('createNode: store must be lmdbStore(folder)')
  expect(node({ store, alow: () => true })).toThrow(
    /^createNode has no option alow; it has store, media, authenticate, allow/,
  )
  expect(node({ store, blocked: 'swallow' })).toThrow('createNode: blocked must be told or swallowed')
  expect(node({ store, authenticate: 'secret' })).toThrow('createNode: authenticate must be a function')
  expect(node({ store, operatorToken: '' })).toThrow(
    'createNode: operatorToken must be text that is not empty, or a function',
  )
  expect(node({ store, heartbeatSeconds: 5 })).toThrow(RangeError)
  expect(node({ store, limits: { body: 1 } })).toThrow('limits.body: there is no such limit')
})

it('an option that is undefined is not given', async () => {
  const limits = { bodyBytes: undefined } as never
  const bluetick = createNode({ store, allow: undefined, onlineMs: undefined, limits } as never)
  expect(await bluetick.listen({ port: 0 })).toMatchObject({ url: expect.stringContaining('ws://127.0.0.1:') })
  await bluetick.close()
})

it('listen takes a number as port, and begins once', async () => {
  const bluetick = createNode({ store: memoryStore() })
  await expect(bluetick.listen({ port: '8080' } as never)).rejects.toThrow('listen: port must be a number')
  await expect(bluetick.listen({ hostname: '::1' } as never)).rejects.toThrow(
    'listen has no option hostname; it has port, host',
  )
  const first = bluetick.listen({ port: 0 })
  await expect(bluetick.listen({ port: 0 })).rejects.toThrow('The node is listening already.')
  await first
  await bluetick.close()
})

it('calls of a node name the field that they do not have', async () => {
  const bluetick = createNode({ store: memoryStore() })
  await bluetick.listen({ port: 0 })
  const send = (message: unknown) => bluetick.send(message as never)
  await expect(send({ from: 'shop', to: 'bob', bodyy: 'hi' })).rejects.toThrow(
    new TypeError('send has no option bodyy; it has from, to, body, media, id'),
  )
  await expect(send({ from: 'shop', to: 'bob', body: 'hi', lifetime: 'temporary' })).rejects.toThrow(
    'no option lifetime',
  )
  await expect(send(undefined)).rejects.toThrow('send takes an object of options')
  await expect(bluetick.history('bob', 'shop', { befor: { time: 1, seq: 1 } } as never)).rejects.toThrow(
    'history has no option befor; it has before, limit',
  )
  await bluetick.close()
})

it('a node lives once', async () => {
  const again = 'The node was closed, and lives once: make a new one, with a new store.'
  const bluetick = createNode({ store: memoryStore() })
  await bluetick.listen({ port: 0 })
  await Promise.all([bluetick.close(), bluetick.close()])
  await expect(bluetick.listen({ port: 0 })).rejects.toThrow(again)
  await expect(bluetick.send({ from: 'shop', to: 'bob', body: 'hi' })).rejects.toThrow('The node was closed.')
  const early = createNode({ store: memoryStore() })
  const listening = early.listen({ port: 0 })
  await early.close()
  const { url } = await listening
  await expect(fetch(url.replace('ws', 'http'))).rejects.toThrow()
  await expect(early.listen({ port: 0 })).rejects.toThrow(again)
})

it('stores name it, too', () => {
  expect(() => lmdbStore('')).toThrow('lmdbStore needs the path of a folder')
  expect(() => lmdbStore('data', { retention: 1 } as never)).toThrow('lmdbStore has no option retention')
  expect(() => memoryStore({ dedupe: 1 } as never)).toThrow('memoryStore has no option dedupe')
  expect(() => fileMedia(undefined as never)).toThrow('fileMedia needs the path of a folder')
  expect(() => fileMedia('media', { retentionDays: 3 } as never)).toThrow('fileMedia has no option retentionDays')
  expect(() => fileStorage(undefined as never)).toThrow('fileStorage needs the path of a file')
  expect(() => cassandraStore({ ...cluster, keyspace: undefined } as never)).toThrow('cassandraStore needs keyspace')
  expect(() => cassandraStore({ ...cluster, contactPoints: '10.0.0.1' } as never)).toThrow(
    'cassandraStore: contactPoints must be a list of hosts',
  )
  expect(() => cassandraStore({ ...cluster, contactPoints: ['10.0.0.1:9142', '10.0.0.2'] })).toThrow(
    'contactPoints must all have the same port, on which the other hosts are found: 10.0.0.1:9142, 10.0.0.2',
  )
  expect(() => cassandraStore({ ...cluster, consistency: 'one' } as never)).toThrow(
    'cassandraStore: consistency must be local_quorum or quorum or each_quorum or all',
  )
})
