/** What a node does again and again, hour by hour, and what whoever runs it hears of that. */
import { expect, it } from 'vitest'
import { Calendar } from '../../src/hosts/calendar.ts'
import { startChores } from '../../src/hosts/chores.ts'
import { oneSpell } from '../../src/hosts/spells.ts'
import { memoryStore } from '../../src/index.ts'
import { Holds } from '../../src/media/holds.ts'
import type { Chore, Runtime } from '../../src/runtime/index.ts'
import type { Reckoning } from '../../src/store/contract.ts'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const time = 1_700_000_000_000

type Given = {
  readonly store?: object
  readonly media?: object
  readonly known?: Reckoning
  readonly others?: readonly Chore[]
  readonly isHere?: boolean
}

/** Time goes on from timer to timer. `off`: how far the clock is off. */
async function start({ store: own = {}, media, known, others = [], isHere = true }: Given = {}) {
  let [passed, off] = [0, 0]
  let timers: { readonly at: number; readonly run: () => void }[] = []
  const faults: string[] = []
  const store = memoryStore()
  await store.open()
  const calendar = new Calendar({ now: () => time + passed + off, monotonic: () => passed }, known)
  const ended = startChores(
    {
      runtime: {
        wheel: { after: (ms: number, run: () => void) => void timers.push({ at: passed + ms, run }) },
      } as unknown as Runtime,
      store: { ...store, ...own },
      calendar,
      media: media && ({ store: media } as never),
      holds: new Holds(undefined),
      isHere: () => isHere,
      spellOf: oneSpell(store, 1),
      onFault: ({ where, error }) => void faults.push(`${where}: ${(error as Error).message}`),
    },
    others,
  )
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const pass = async (ms: number) => {
    await turn()
    for (const until = passed + ms; ; ) {
      const next = Math.min(...timers.map(({ at }) => at))
      if (next > until) break
      const due = timers.filter(({ at }) => at === next)
      timers = timers.filter(({ at }) => at !== next)
      passed = next
      for (const { run } of due) run()
      await turn()
    }
    return faults.splice(0)
  }
  const set = (ms: number) => {
    off = ms
  }
  return { pass, ended, store, set }
}

it('what is too old is looked for once a minute, and again at once while there is more', async () => {
  const looks: number[] = []
  const expire = async (now: number) => {
    looks.push(now - time)
    return { entries: 0, dedupeKeys: looks.length < 3 ? 5 : 0 }
  }
  const { pass } = await start({ store: { expire } })
  await pass(3 * minute)
  expect(looks).toEqual([0, 100, 200, minute + 200, 2 * minute + 200])
})

it('content is removed by one of several nodes, and each looks after the uploads on its machine', async () => {
  for (const isHere of [true, false]) {
    const onlyHere: unknown[] = []
    const collect = async (_: number, only: boolean) => onlyHere.push(only) * 0
    const { pass } = await start({ media: { collect, held: async function* () {} }, isHere })
    await pass(0)
    expect(onlyHere).toEqual([!isHere])
  }
})

it('what fails is told, and done again when the pause is over', async () => {
  let looks = 0
  const expire = async () => {
    looks += 1
    throw new Error(`no answer ${looks}`)
  }
  const { pass } = await start({ store: { expire } })
  expect(await pass(minute)).toEqual(['store: no answer 1', 'store: no answer 2'])
  expect(await pass(minute)).toEqual(['store: no answer 3'])
})

it('while a clock that jumped ahead is not believed nothing is too old that was not before, and that is told once', async () => {
  const looks: number[] = []
  const expire = async (now: number) => {
    looks.push(now - time)
    return { entries: 0, dedupeKeys: 0 }
  }
  const { pass, set } = await start({ store: { expire } })
  expect(await pass(hour)).toEqual([])
  set(31 * day)
  const faults = await pass(hour)
  expect(faults).toHaveLength(1)
  expect(faults[0]).toMatch(
    /^clock: it is 744\.0 hours ahead of the time that it should be\. Nothing leaves for its age/,
  )
  expect(Math.max(...looks)).toBeLessThanOrEqual(2 * hour)
  set(0)
  expect(await pass(hour)).toEqual([])
  set(-3 * hour)
  expect((await pass(hour))[0]).toMatch(/^clock: it is 3\.0 hours behind/)
})

it('a node that was off for a night says nothing of it; for days it says that, or the clock was set', async () => {
  const night = await start({ known: { at: time - 10 * hour, doubtMs: 0 } })
  expect(await night.pass(hour)).toEqual([])
  const week = await start({ known: { at: time - 7 * day, doubtMs: 0 } })
  const faults = await week.pass(hour)
  expect(faults).toHaveLength(1)
  expect(faults[0]).toMatch(/^clock: the node was off for 7\.0 days, or the clock was set ahead/)
})

it('what the time is gets kept every ten minutes, so that a kill loses no more of it', async () => {
  const { pass, store } = await start()
  await pass(hour + minute)
  expect(await store.reckoning()).toEqual({ at: time + hour, doubtMs: 0 })
})

it('media that nobody holds is collected once a minute; what fails there is told as of the media', async () => {
  let looks = 0
  const media = {
    collect: async () => {
      looks += 1
      return 0
    },
    held: async function* () {
      yield* []
      throw new Error('no folder')
    },
  }
  const { pass } = await start({ media })
  expect(await pass(3 * minute)).toEqual(['media: no folder'])
  expect(looks).toBe(4)
  expect(await pass(10 * minute)).toEqual(['media: no folder'])
})

it('a node that closes begins no chore any more, also where its timers are hurried', async () => {
  let looks = 0
  const look = async () => {
    looks += 1
    return 0
  }
  const expire = async () => ({ entries: await look(), dedupeKeys: 0 })
  const erasing: Chore = { everyMs: hour, task: look }
  const { ended, pass } = await start({ store: { expire }, others: [erasing] })
  await pass(0)
  expect(looks).toBe(2)
  await ended()
  await pass(2 * hour)
  expect(looks).toBe(2)
})

it('a node that closes waits for what is under way, its own and what others do', async () => {
  let land = () => {}
  const slow: Chore = { everyMs: hour, task: () => new Promise((resolve) => (land = () => resolve(0))) }
  const { ended, pass } = await start({ others: [slow] })
  let closed = false
  const closing = ended().then(() => {
    closed = true
  })
  await pass(minute)
  expect(closed).toBe(false)
  land()
  await closing
})
