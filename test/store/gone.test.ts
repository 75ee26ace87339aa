/**
 * Deletions, timers, names and expiry of the embedded store beside those of the memory store, with crashes between any two of its writes.
 * What is appended while the tables stand still is in the journal: a crash then finds this later than those.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import type { DeviceId, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Store } from '../../src/store/contract.ts'
import { fileOf } from '../../src/store/lmdb/tables.ts'
import { type LmdbStore, lmdbStore } from '../../src/store/lmdb.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { copy, message, user } from '../contracts/store.ts'

/** Transactions of the tables that begin wait while they are held. */
const tables = vi.hoisted(() => ({ held: Promise.resolve(), release: () => {} }))
vi.mock('lmdb', async (original) => {
  const lmdb = await original<typeof import('lmdb')>()
  const open = (options: never) => {
    const root = lmdb.open(options)
    if (!root.batch) return root
    for (const name of ['batch', 'transaction'] as const) {
      const begin = root[name].bind(root)
      root[name] = (task: never) => tables.held.then(() => begin(task)) as never
    }
    return root
  }
  return { ...lmdb, open }
})

const all = Number.MAX_SAFE_INTEGER
const bob = user('bob')
/** Who writes to bob, and whom he writes to. */
const chats = [user('alice'), user('dave')] as const
const lifetimes = ['default', 'permanent', 'temporary', 'delivered 5000', 'read 5000']
const runs = Number(process.env['GONE_RUNS'] ?? 30)

/** `from` and `upTo`: parts of the inbox. */
type Step =
  | { readonly is: 'append'; readonly kinds: readonly number[]; readonly size: number }
  | { readonly is: 'erase'; readonly chat: UserId; readonly from: number; readonly upTo: number }
  | { readonly is: 'temporary' | 'delivered' | 'read'; readonly upTo: number }
  | { readonly is: 'expire'; readonly later: number }
  | { readonly is: 'save' | 'rename' }
  | { readonly is: 'compact' }
  | { readonly is: 'reopen' }
type Change = Exclude<Step, { is: 'compact' | 'reopen' }>
/**
 * `turns`: of the event loop, after which the process is killed; undefined: it is not. `meanwhile`: so many entries are appended before that,
 * while the tables stand still.
 */
type Plan = { readonly step: Step; readonly turns: number | undefined; readonly meanwhile: number }

const part = fc.double({ min: 0, max: 1, noNaN: true })
const kinds = fc.array(fc.nat(9), { minLength: 1, maxLength: 20 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ is: fc.constant('append'), kinds, size: fc.constantFrom(5, 900, 30_000) }) },
  {
    weight: 3,
    arbitrary: fc.record({ is: fc.constant('erase'), chat: fc.constantFrom(...chats), from: part, upTo: part }),
  },
  { weight: 3, arbitrary: fc.record({ is: fc.constantFrom('temporary', 'delivered', 'read'), upTo: part }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('expire'), later: fc.constantFrom(0, 6_000) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constantFrom('save', 'rename') }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constantFrom('compact', 'reopen') }) },
)
const killed = fc.option(fc.nat(12), { nil: undefined, freq: 2 })
const plans = fc.array(fc.record({ step, turns: killed, meanwhile: fc.nat(3) }), { maxLength: 14 })

async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
}

function entryOf(seq: Seq, kind: number, time: number, size: number): Entry {
  const lifetime = lifetimes[kind % lifetimes.length] as string
  const lasting = lifetime === 'default' ? {} : { lifetime }
  const body = `${seq}`.padEnd(size, 'x')
  return { ...(kind < lifetimes.length ? message(seq) : copy(seq)), time, body, ...lasting } as Entry
}

/**
 * Copies a file that LMDB writes meanwhile. A transaction that ends during the copy would be torn: its head could be copied, and
 * its pages not. One that has not ended may be there in part, as after a crash.
 */
function copyWhole(from: string, to: string): void {
  const heads = () => readFileSync(from).subarray(0, 8192)
  for (let before: Buffer | undefined; !before?.equals(heads()); cpSync(from, to)) before = heads()
}

/** Bob's inbox in two stores: the one that is tested, and the one that knows what it should hold. */
class Both {
  readonly begun = Date.now()
  now = this.begun
  tail = 0
  epoch = 7
  readonly model = memoryStore()
  store: LmdbStore
  readonly #paths = [mkdtempSync(join(tmpdir(), 'bluetick-gone-'))]
  readonly #killed: LmdbStore[] = []

  constructor() {
    this.store = lmdbStore(this.#path)
  }

  get #path(): string {
    return this.#paths.at(-1) as string
  }

  async open(): Promise<void> {
    await Promise.all([this.model.open(), this.store.open()])
  }

  async take({ step, turns, meanwhile }: Plan): Promise<void> {
    if (step.is === 'compact' || step.is === 'reopen') {
      await (step.is === 'compact' ? this.store.compact() : this.store.close())
      this.store = lmdbStore(this.#path)
      return this.store.open()
    }
    if (step.is === 'expire') this.now += step.later
    const { tail } = this
    if (step.is === 'append') this.tail += step.kinds.length
    // Of a log that holds nothing the stores know different things.
    if (step.is === 'rename' && tail === 0) return
    if (step.is === 'rename') this.epoch += 1
    await this.#perform(this.model, step, tail)
    const performed = this.#perform(this.store, step, tail)
    if (turns === undefined) return performed
    await pass(turns)
    const late = step.is === 'append' ? undefined : await this.#meanwhile(meanwhile)
    const opened = this.#kill()
    tables.release()
    await performed
    await opened
    // Its outcome is not known: it is done again.
    await this.#perform(this.store, step, tail)
    if (late) await this.#perform(this.store, late.step, late.tail)
  }

  /** The tables stand still from here on. What is answered, the journal has; undefined: all of it. */
  async #meanwhile(count: number): Promise<{ readonly step: Change; readonly tail: Seq } | undefined> {
    if (count === 0) return undefined
    tables.held = new Promise((resolve) => {
      tables.release = resolve
    })
    const { tail } = this
    this.tail += count
    const step = { is: 'append', kinds: new Array(count).fill(1), size: 5 } as const
    await this.#perform(this.model, step, tail)
    const answered = this.#perform(this.store, step, tail).then(() => true)
    // A journal that needs another file waits for the tables.
    return (await Promise.race([answered, pass(500)])) ? undefined : { step, tail }
  }

  /** What is on the disk at this moment is all that the next process has. */
  #kill(): Promise<void> {
    const before = this.#path
    this.#paths.push(mkdtempSync(join(tmpdir(), 'bluetick-gone-')))
    copyWhole(fileOf(before), fileOf(this.#path))
    if (existsSync(join(before, 'journal')))
      cpSync(join(before, 'journal'), join(this.#path, 'journal'), { recursive: true })
    this.#killed.push(this.store)
    this.store = lmdbStore(this.#path)
    return this.store.open()
  }

  async #perform(store: Store, step: Change, tail: Seq): Promise<void> {
    const seqAt = (part: number) => Math.max(1, Math.round(part * tail))
    switch (step.is) {
      case 'append': {
        const entries = step.kinds.map((kind, n) => entryOf(tail + n + 1, kind, this.begun, step.size))
        return store.append(bob, this.epoch, 1, entries)
      }
      case 'erase':
        return store.erase(bob, step.chat, seqAt(step.from), seqAt(step.upTo))
      case 'save':
        return store.saveCursors(
          bob,
          this.epoch,
          [{ device: 'phone' as DeviceId, seq: tail, seenAt: this.begun }],
          tail,
        )
      case 'rename':
        return store.lives?.rename(bob, this.epoch)
      case 'expire':
        while ((await store.expire(this.now)).entries > 0);
        return
      case 'read':
        return void (await store.startTimers(bob, { is: 'read', chat: chats[0], upTo: seqAt(step.upTo) }, this.now))
      default:
        return void (await store.startTimers(bob, { is: step.is, upTo: seqAt(step.upTo) }, this.now))
    }
  }

  async compare(): Promise<void> {
    const { model, store } = this
    expect(await store.load(bob)).toEqual(await model.load(bob))
    for (const moment of [this.now, this.now + 6_000])
      expect(await store.read(bob, 1, all, all, moment)).toEqual(await model.read(bob, 1, all, all, moment))
    for (const chat of chats)
      expect(await store.history(bob, chat, null, all, all)).toEqual(await model.history(bob, chat, null, all, all))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#killed, this.store].map((store) => store.close()))
    for (const path of this.#paths) rmSync(path, { recursive: true })
  }
}

it('brings nothing back that was deleted or has vanished, and loses nothing else, whenever it is killed', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plans) => {
      const both = new Both()
      await both.open()
      for (const plan of plans) await both.take(plan)
      await both.compare()
      await both.close()
    }),
    { numRuns: runs },
  )
})
