/** Groups whose copies a former life of the node may not have handed out. */
import { expect, it } from 'vitest'
import type { Accepted } from '../../actors/log/types.ts'
import { Calendar } from '../../src/hosts/calendar.ts'
import { hostGroups } from '../../src/hosts/groups/groups.ts'
import { Notes } from '../../src/hosts/groups/notes.ts'
import { oneSpell } from '../../src/hosts/spells.ts'
import { memoryStore } from '../../src/index.ts'
import { Holds } from '../../src/media/holds.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { Asks, Router, startRuntime } from '../../src/runtime/index.ts'

it('are remembered until they have been loaded and have come to rest, however often they cannot be loaded', async () => {
  const store = memoryStore()
  await store.open()
  const [group, former] = ['#tea' as never, await store.takeTerm()]
  await store.noteGroup(group, former)
  let [loads, fails] = [0, true]
  const load: typeof store.load = async (user) => {
    loads += 1
    if (fails) throw new Error('no answer')
    return store.load(user)
  }
  const runtime = startRuntime({ idleMs: 0 })
  const term = await store.takeTerm()
  const notes = new Notes(oneSpell(store, term))
  const asks = new Asks<Accepted>(runtime.wheel, 10_000, { is: 'refused', code: 'busy' })
  const groups = hostGroups({
    runtime,
    spellOf: oneSpell({ ...store, load }, term),
    term,
    limits: defaultLimits,
    lifetime: 'default',
    sessions: {} as never,
    events: { accepted: () => {}, receipted: () => {} },
    router: new Router(asks),
    holds: new Holds(undefined),
    calendar: new Calendar(runtime.clock, undefined),
    notes,
    onFault: () => {},
  })
  await notes.resume(
    store,
    () => true,
    (group, message) => groups.tell(group, message),
  )
  // Half a minute of the wheel's time.
  for (let tick = 0; tick < 600; tick++) {
    runtime.wheel.advance()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(loads).toBeGreaterThan(3)
  expect(await store.notedGroups()).toEqual([{ group, term: former }])
  fails = false
  await expect
    .poll(async () => {
      runtime.wheel.hurry()
      return store.notedGroups()
    })
    .toEqual([])
  runtime.stop()
  await store.close()
})
