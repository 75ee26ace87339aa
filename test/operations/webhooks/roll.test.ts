/** A service knows in the end who is online, whatever fails, is repeated, or ends in between; and who only was on a node that ended is told of once. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { OutboxEvent } from '../../../actors/outbox/types.ts'
import { Roll, type Told } from '../../../src/operations/webhooks/roll.ts'
import type { MessageId, UserId } from '../../../src/protocol/ids.ts'

const users = ['ann', 'ben'] as const as unknown as readonly UserId[]

type Timer = { readonly at: number; readonly run: () => void }

/** An outbox, its owners one after the other, and the service. */
class World {
  readonly heard: Told[] = []
  readonly online = new Set<UserId>()
  /** Users whose messages wait, as far as that is recorded. */
  readonly waits = new Set<UserId>()
  readonly #log: Told[] = []
  readonly #events = new Map<string, boolean>()
  #saved = { upTo: 0, memo: new Map<string, number>() }
  #upTo = 0
  #timers: Timer[] = []
  #now = 0
  #names = 0
  /** What comes of the next record: it is done, it is not, or it is and nobody knows. */
  #fails: 'no' | 'lost' | 'unknown' = 'no'
  #goes = false
  #roll = this.#begin()

  #begin(): Roll {
    this.#upTo = this.#saved.upTo
    const timers: Timer[] = []
    this.#timers = timers
    return new Roll(new Map(this.#saved.memo) as never, {
      isAway: (user) => !this.online.has(user),
      stays: () => !this.#goes,
      after: (ms, run) => void timers.push({ at: this.#now + ms, run }),
      gone: async (user) => {
        this.waits.add(user)
      },
      eventOf: (_, isOnline) => {
        this.#names += 1
        const id = `${this.#names}` as MessageId
        this.#events.set(id, isOnline)
        return { id, body: '' }
      },
      record: (user, event, again) => this.#record(user, event, again),
      fail: () => {},
    })
  }

  async #record(user: UserId, { id }: OutboxEvent, again: boolean): Promise<void> {
    const fails = this.#fails
    this.#fails = 'no'
    const isThere = again && this.#log.some((one) => one.id === id)
    if (!isThere && fails !== 'lost')
      this.#log.push({ seq: this.#log.length + 1, id, user, isOnline: this.#events.get(id) as boolean })
    if (fails !== 'no') throw new Error(fails)
  }

  /** Somebody comes or goes. */
  move(user: UserId, isKnown = true): void {
    if (!this.online.delete(user)) this.online.add(user)
    if (isKnown) this.#roll.look(user)
  }

  fail(how: 'lost' | 'unknown'): void {
    this.#fails = how
  }

  /** The next event is sent. */
  async send(): Promise<boolean> {
    const next = this.#log[this.#upTo]
    if (!next) return false
    this.#upTo += 1
    if (!this.#roll.knows(next.user, next.isOnline)) this.heard.push(next)
    this.#roll.told(next)
    await settled()
    return true
  }

  save(): void {
    const memo = new Map([...this.#saved.memo, ...(this.#roll.saved(this.#upTo) ?? [])])
    this.#saved = { upTo: this.#upTo, memo }
  }

  /** The outbox goes on elsewhere; who has no device there any more is not heard of. */
  end(): void {
    this.#roll.end()
    this.#fails = 'no'
    this.#roll = this.#begin()
    for (const user of this.online) this.#roll.look(user)
  }

  /** A device of a user comes, or comes again, and then the shard is given: users go first, and their actors have no devices any more. */
  give(user: UserId): void {
    this.#roll.look(user)
    this.#goes = true
    this.online.clear()
  }

  async pass(ms: number): Promise<void> {
    const until = this.#now + ms
    const next = () => this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
    for (let timer = next(); timer; timer = next()) {
      this.#timers.splice(this.#timers.indexOf(timer), 1)
      this.#now = timer.at
      timer.run()
      await settled()
    }
    this.#now = until
  }

  async rest(): Promise<void> {
    this.#fails = 'no'
    for (let n = 0; n < 20; n++) {
      await this.pass(2_000)
      while (await this.send());
    }
  }

  /** Each when it came first. */
  heardOf(user: UserId): readonly boolean[] {
    const ids = new Set<string>()
    return this.heard
      .filter((one) => one.user === user && !ids.has(one.id) && ids.add(one.id))
      .map(({ isOnline }) => isOnline)
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

const step = fc.oneof(
  fc.constantFrom('ann came or went', 'ben came or went', 'ben came or went while nobody looked'),
  fc.constantFrom('a record is lost', 'of a record nothing is known', 'sent', 'sent', 'saved', 'the owner ends'),
  fc.constantFrom('a second', 'twenty seconds'),
)
async function play(world: World, is: string): Promise<unknown> {
  const [ann, ben] = users as [UserId, UserId]
  switch (is) {
    case 'ann came or went':
      return world.move(ann)
    case 'ben came or went':
      return world.move(ben)
    // As on a node that ends: the next owner sees it.
    case 'ben came or went while nobody looked':
      world.move(ben, false)
      return world.end()
    case 'a record is lost':
      return world.fail('lost')
    case 'of a record nothing is known':
      return world.fail('unknown')
    case 'sent':
      return world.send()
    case 'saved':
      return world.save()
    case 'the owner ends':
      return world.end()
    case 'a second':
      return world.pass(1_100)
    default:
      return world.pass(20_000)
  }
}

it('at the end the service knows who is online, and heard of each change but once', () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = new World()
      for (const one of steps) await play(world, one)
      await world.rest()
      for (const user of users) {
        const heard = world.heardOf(user)
        expect(heard.at(-1) ?? false).toBe(world.online.has(user))
        expect(heard.filter((isOnline, n) => isOnline === (heard[n - 1] ?? false))).toEqual([])
        if (!world.online.has(user) && heard.length > 0) expect(world.waits).toContain(user)
      }
    }),
    { seed: 1, numRuns: 300 },
  ))

it('who comes back after the owner has ended is told of once, and who does not is gone after fifteen seconds', async () => {
  const world = new World()
  const [ann, ben] = users as [UserId, UserId]
  world.move(ann)
  world.move(ben)
  await world.pass(1_100)
  while (await world.send());
  world.save()
  world.online.clear()
  world.end()
  await world.pass(10_000)
  world.move(ann)
  await world.pass(4_000)
  while (await world.send());
  expect([world.heardOf(ann), world.heardOf(ben)]).toEqual([[true], [true]])
  await world.pass(3_000)
  while (await world.send());
  expect([world.heardOf(ann), world.heardOf(ben)]).toEqual([[true], [true, false]])
})

it('who is connected is not told to be gone, and nothing of theirs waits, while their shard goes to another node', async () => {
  const world = new World()
  const [ann] = users as [UserId]
  world.move(ann)
  await world.pass(1_100)
  world.give(ann)
  await world.pass(4_000)
  while (await world.send());
  expect([world.heardOf(ann), [...world.waits]]).toEqual([[true], []])
})
