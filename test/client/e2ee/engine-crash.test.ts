/**
 * Two clients talk over a node; one of them ends at some write to its storage, before or after it came to be, and begins anew with what
 * the storage has. Whatever was queued is read, once under each key, and nothing is unreadable: between the two, and in a group that one makes
 * of them. Two wrong rules of writing fail this.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { e2ee } from '../../../src/client/e2ee/index.ts'
import { placeOf } from '../../../src/client/e2ee/message.ts'
import { packed, unpacked } from '../../../src/client/e2ee/packed.ts'
import { finished } from '../../../src/client/e2ee/ratchet.ts'
import type { Unread } from '../../../src/client/e2ee/types.ts'
import { type Client, connect, type Storage } from '../../../src/client/index.ts'
import type { Transport } from '../../../src/client/transport.ts'
import { webSocketTransport } from '../../../src/client/websocket.ts'
import { createNode, memoryStore } from '../../../src/index.ts'
import type { ClientFrame } from '../../../src/protocol/frames.ts'
import type { Change } from '../../../src/protocol/group.ts'
import type { UserId } from '../../../src/protocol/ids.ts'
import { jsonCodec } from '../../../src/protocol/json.ts'
import { groupIn } from '../../../src/protocol/keys/group.ts'
import { type DevicePart, sentIn } from '../../../src/protocol/keys/parts.ts'
import { isSealed, isSealedGroup } from '../../../src/protocol/sealed.ts'
import { parsePart } from './kit.ts'
import { spoiltText } from './spoilt.ts'

const store = memoryStore()
const node = createNode({ store, e2ee: 'allowed' })
let url: string
beforeAll(async () => {
  url = (await node.listen({ port: 0 })).url
})
afterAll(() => node.close())

type Changes = ReadonlyMap<string, unknown>
/** What a rule of writing makes of a write. */
type Rule = (changes: Changes) => Changes
const asItIs: Rule = (changes) => changes
/** Ratchets are written with the cursor alone. */
const late: Rule = (changes) =>
  changes.has('cursor') ? changes : new Map([...changes].filter(([key]) => !/^e2ee:(pair|sealed|open)/.test(key)))
/** Keys are gone when the message was opened. */
const early: Rule = (changes) =>
  new Map(
    [...changes].map(([key, value]) => [key, key.startsWith('e2ee:pair') ? (value as Uint8Array[]).map(spent) : value]),
  )

function spent(bytes: Uint8Array): Uint8Array {
  const pairing = unpacked(bytes)
  if (!pairing) return bytes
  let { ratchet } = pairing
  for (const place of ratchet.unfinished.keys()) ratchet = finished(ratchet, place)
  return packed({ ...pairing, ratchet })
}

/** Texts that were sealed under a place in a chain: of each there may be one. */
class Seen {
  readonly #parts = new Map<string, string>()
  twice = 0

  said(frames: readonly ClientFrame[]): void {
    for (const frame of frames) {
      if (frame[0] !== 'send' || !isSealed(frame[3])) continue
      for (const { device, type, bytes } of partsOf(frame[2], frame[3])) {
        const parsed = parsePart({ type: type as 1 | 2, bytes })
        if (typeof parsed === 'string') continue
        const place = `${device} ${placeOf(parsed.message)}`
        if ((this.#parts.get(place) ?? String(bytes)) !== String(bytes)) this.twice += 1
        this.#parts.set(place, String(bytes))
      }
    }
  }
}

const partsOf = (to: string, body: Uint8Array): readonly DevicePart[] =>
  isSealedGroup(to)
    ? (groupIn(body, 128)?.members ?? []).flatMap(({ parts }) => parts)
    : (sentIn(body, 128)?.parts ?? [])

/**
 * At which write a program ends (0: at none), whether that still comes to be, and by which rule it writes. `spoils`: somebody changes
 * each message on its way to this one, which has to ask for it again. `group`: they write to a group.
 */
type Ends = {
  readonly at: number
  readonly after: boolean
  readonly rule: Rule
  readonly spoils?: boolean
  readonly group?: string
}

/** One person, who answers each message before the program goes on to the next. */
class Person {
  readonly #kept = new Map<string, unknown>()
  readonly got = new Set<string>()
  #began = false
  readonly unreadable: Unread[] = []
  /** Of the group, which is as both know it. */
  strange = 0
  writes = 0
  #alive = { is: true }
  #client: Client
  #wakes: (() => void)[] = []

  readonly name: string
  readonly #peer: string
  readonly #ends: Ends
  readonly #seen: Seen

  constructor(name: string, peer: string, ends: Ends, seen: Seen) {
    this.name = name
    this.#peer = peer
    this.#ends = ends
    this.#seen = seen
    this.#client = this.#begin()
  }

  #begin(): Client {
    const alive = { is: true }
    this.#alive = alive
    const keys = e2ee()
    keys.on('unreadable', (event) => void this.unreadable.push(event))
    keys.on('group', () => void this.strange++)
    const client = connect({
      url,
      token: this.name,
      storage: this.#storage(alive),
      transport: this.#transport(alive),
      e2ee: keys,
    })
    void this.#read(client, alive)
    if (this.#began) this.begins()
    return client
  }

  #storage(alive: { is: boolean }): Storage {
    return {
      load: async () => structuredClone(this.#kept),
      write: async (changes) => {
        if (!alive.is) return new Promise<void>(() => {})
        this.writes += 1
        const ends = this.writes === this.#ends.at
        if (!ends || this.#ends.after)
          for (const [key, value] of structuredClone(this.#ends.rule(changes)))
            value === undefined ? this.#kept.delete(key) : this.#kept.set(key, value)
        if (!ends) return
        alive.is = false
        const ended = this.#client
        setImmediate(() => {
          void ended.close()
          this.#client = this.#begin()
        })
        return new Promise<void>(() => {})
      },
      close: async () => {},
    }
  }

  /** Nothing gets through from or to a program that has ended. */
  #transport(alive: { is: boolean }): Transport {
    return (at, subprotocol, events) => {
      const connection = webSocketTransport(at, subprotocol, {
        opened: () => alive.is && events.opened(),
        heard: (data) => alive.is && events.heard(this.#ends.spoils ? spoiltText(data) : data),
        lost: (code, why) => alive.is && events.lost(code, why),
      })
      return {
        send: (data) => {
          if (!alive.is) return
          this.#seen.said(jsonCodec.decode(data) as ClientFrame[])
          connection.send(data)
        },
        close: (code, reason) => connection.close(code, reason),
      }
    }
  }

  async #read(client: Client, alive: { is: boolean }): Promise<void> {
    for await (const { body, change } of client.messages()) {
      if (!alive.is) return
      if (change) continue
      this.got.add(String(body))
      for (const wake of this.#wakes.splice(0)) wake()
      const n = Number(body) + 1
      if (n <= last) await this.#send(n)
    }
  }

  /** Under the same id each time. */
  async #send(n: number, body = String(n), change?: Change): Promise<void> {
    const id = `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
    const { group = this.#peer } = this.#ends
    await this.#client.send(group, body, { id, ...(change && { change }) }).catch(() => {})
  }

  begins(): void {
    this.#began = true
    if (this.#ends.group) void this.#send(101, 'both', 'create')
    if (this.#ends.group) void this.#send(102, this.#peer, 'add')
    void this.#send(1)
  }

  /** Somebody can write to this one. */
  async isThere(): Promise<void> {
    await expect.poll(() => store.links(this.name as UserId, 1)).toHaveLength(1)
  }

  /** False: `isOver` before that. */
  async has(count: number, isOver: () => boolean): Promise<boolean> {
    while (this.got.size < count) {
      if (isOver()) return false
      await Promise.race([
        new Promise<void>((resolve) => this.#wakes.push(resolve)),
        new Promise((resolve) => setTimeout(resolve, 200)),
      ])
    }
    return true
  }

  close(): void {
    this.#alive.is = false
    void this.#client.close()
  }
}

/** Messages of a conversation: each is the answer to the one before. */
const last = 5
let talks = 0

/** Whether a conversation in which so much went wrong is given up after that time. */
type IsOver = (faults: number, ms: number) => boolean
/** Who waits so long stands still, also on a slow machine. */
const standsStill: IsOver = (_, ms) => ms > 100_000

/** Whether all was read, in a conversation of which one side ends at a write. */
async function talk(side: 'first' | 'second', given: Ends, ending: IsOver) {
  talks += 1
  const ends = given.group ? { ...given, group: `${given.group}${talks}` } : given
  const seen = new Seen()
  const [a, b] = [`a${talks}`, `b${talks}`]
  const { spoils, ...rest } = ends
  const never = { ...rest, at: 0 }
  const one = new Person(a, b, side === 'first' ? rest : never, seen)
  const other = new Person(b, a, { ...(side === 'second' ? rest : never), ...(spoils && { spoils }) }, seen)
  await Promise.all([one.isThere(), other.isThere()])
  const began = Date.now()
  const strange = () => one.strange + other.strange
  const faults = () => one.unreadable.length + other.unreadable.length + seen.twice + strange()
  const isOver = () => ending(faults(), Date.now() - began)
  one.begins()
  const whole = (await other.has((last + 1) / 2, isOver)) && (await one.has((last - 1) / 2, isOver))
  const unreadable = [...one.unreadable, ...other.unreadable]
  for (const person of [one, other]) person.close()
  const twice = seen.twice + strange()
  return { side, ...ends, whole, unreadable, twice, writes: { first: one.writes, second: other.writes } }
}

/** Each `every`th of the moments at which one side can end; some of these conversations at a time. */
async function all(rule: Rule, every: number, more: Pick<Ends, 'spoils' | 'group'> = {}, ending = standsStill) {
  const { writes } = await talk('first', { at: 0, after: false, rule: asItIs, ...more }, standsStill)
  const moments = (['first', 'second'] as const).flatMap((side) =>
    Array.from({ length: writes[side] }, (_, at) => [true, false].map((after) => ({ side, at: at + 1, after }))).flat(),
  )
  const chosen = moments.filter((_, n) => n % every === 0)
  const results: Awaited<ReturnType<typeof talk>>[] = []
  for (let next = 0; next < chosen.length; next += 8) {
    const some = chosen.slice(next, next + 8)
    results.push(
      ...(await Promise.all(some.map(({ side, ...ends }) => talk(side, { ...ends, rule, ...more }, ending)))),
    )
  }
  return results
}

const group = { group: '#sealed-crash' }

it.each([
  ['between two', {}, 4],
  ['in a group', group, 6],
])('whatever write one side ends at, all is read %s, and no key is used for two texts', async (_, where, every) => {
  const results = await all(asItIs, every, where)
  expect(results.length).toBeGreaterThan(8)
  expect(results.filter(({ whole, unreadable, twice }) => !whole || unreadable.length + twice > 0)).toEqual([])
})

it('the same holds where nothing that comes to one side can be read before it was asked for again', async () => {
  const results = await all(asItIs, 6, { spoils: true })
  expect(results.length).toBeGreaterThan(8)
  const isLost = ({ retrying }: Unread) => !retrying
  expect(results.filter(({ whole, unreadable, twice }) => !whole || unreadable.some(isLost) || twice > 0)).toEqual([])
  expect(results.every(({ unreadable }) => unreadable.length >= (last + 1) / 2)).toBe(true)
})

it.each([
  ['are written with the cursor alone', late, {}],
  ['have lost a key as soon as its message was opened', early, {}],
  ['are written with the cursor alone, in a group', late, group],
  ['have lost a key as soon as its message was opened, in a group', early, group],
])('would not be so, where ratchets %s', async (_, rule, where) => {
  let wrong = false
  await all(rule, 4, where, (faults, ms) => {
    wrong ||= faults > 0
    return wrong || ms > 10_000
  })
  expect(wrong).toBe(true)
})
