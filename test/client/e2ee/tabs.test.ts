/** Two clients over one storage, as two tabs of a browser are: the one that came last has it, and no key is used by both. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { e2ee } from '../../../src/client/e2ee/index.ts'
import { placeOf } from '../../../src/client/e2ee/message.ts'
import { connect, type Storage, StorageError } from '../../../src/client/index.ts'
import type { Transport } from '../../../src/client/transport.ts'
import { webSocketTransport } from '../../../src/client/websocket.ts'
import { createNode, memoryStore } from '../../../src/index.ts'
import type { ClientFrame } from '../../../src/protocol/frames.ts'
import { jsonCodec } from '../../../src/protocol/json.ts'
import { sentIn } from '../../../src/protocol/keys/parts.ts'
import { isSealed } from '../../../src/protocol/sealed.ts'
import { parsePart } from './kit.ts'

const node = createNode({ store: memoryStore(), e2ee: 'allowed' })
let url: string
beforeAll(async () => {
  url = (await node.listen({ port: 0 })).url
})
afterAll(() => node.close())

/** As indexedDBStorage is: who has loaded last has it, and each write looks. */
class Shared {
  readonly #kept = new Map<string, unknown>()
  #owner: object | undefined

  storage(): Storage {
    const owner = {}
    return {
      load: async () => {
        this.#owner = owner
        return structuredClone(this.#kept)
      },
      write: async (changes) => {
        if (this.#owner !== owner) throw new StorageError('storage_taken', 'another tab has it')
        for (const [key, value] of structuredClone(changes))
          value === undefined ? this.#kept.delete(key) : this.#kept.set(key, value)
      },
      close: async () => {},
    }
  }
}

it('the older ends without having sent what the newer seals with the same key', async () => {
  const texts = new Map<string, Set<string>>()
  const noted: Transport = (at, subprotocol, events) => {
    const connection = webSocketTransport(at, subprotocol, events)
    const send: typeof connection.send = (data) => {
      for (const frame of jsonCodec.decode(data) as ClientFrame[]) {
        if (frame[0] !== 'send' || !isSealed(frame[3])) continue
        for (const { type, bytes } of sentIn(frame[3], 128)?.parts ?? []) {
          const parsed = parsePart({ type: type as 1 | 2, bytes })
          if (typeof parsed === 'string') continue
          const place = placeOf(parsed.message)
          texts.set(place, (texts.get(place) ?? new Set()).add(String(bytes)))
        }
      }
      connection.send(data)
    }
    return { close: (...why) => connection.close(...why), send }
  }
  const shared = new Shared()
  const tab = () => connect({ url, token: 'alice', transport: noted, storage: shared.storage(), e2ee: e2ee() })
  const bob = connect({ url, token: 'bob', e2ee: e2ee() })
  await bob.e2ee?.place()
  const older = tab()
  await older.send('bob', 'one')
  const newer = tab()
  const late = older.send('bob', 'of the older').catch((error: { code: string }) => error.code)
  await newer.send('bob', 'of the newer')
  // It went before the newer had the storage; or never does, since the storage or the server has told the older to end.
  const became = await late
  if (typeof became === 'string') expect(['storage_taken', 'replaced']).toContain(became)
  await expect.poll(() => older.connection.is).toBe('closed')
  const read: unknown[] = []
  for await (const { body } of bob.messages()) if (read.push(body) && body === 'of the newer') break
  expect(read).toEqual(typeof became === 'string' ? ['one', 'of the newer'] : ['one', 'of the older', 'of the newer'])
  expect([...texts.values()].filter(({ size }) => size > 1)).toEqual([])
  expect(texts.size).toBe(read.length)
  for (const client of [older, newer, bob]) await client.close()
})
