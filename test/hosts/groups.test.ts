/** Groups, hosted: their actors over a store, with their members' actors. */
import { expect, it } from 'vitest'
import { toGroup } from '../../actors/addresses.ts'
import type { Message } from '../../actors/group/types.ts'
import type { Accepted } from '../../actors/log/types.ts'
import { openSettings } from '../../actors/settings.ts'
import { hostGroups } from '../../src/hosts/groups/groups.ts'
import { Notes } from '../../src/hosts/groups/notes.ts'
import { oneSpell } from '../../src/hosts/spells.ts'
import type { Change } from '../../src/protocol/group.ts'
import type { GroupId } from '../../src/protocol/ids.ts'
import { othersTurn, shardOf, systemClock } from '../../src/runtime/index.ts'
import type { Store } from '../../src/store/contract.ts'
import { message, user } from '../contracts/store.ts'
import { house } from './house.ts'

const [ann, bob] = [user('ann'), user('bob')]
const tea = '#tea' as GroupId
const down = () => Promise.reject(new Error('no answer'))

/** A group of Ann's, to which she adds and writes. */
async function start(over: Partial<Store> = {}) {
  const all = await house(over)
  const change = (what: Change, body: string) => all.send(toGroup(tea), 'ann', body, { change: what })
  const say = (body: string) => all.send(toGroup(tea), 'ann', body)
  return { ...all, change, say }
}

it('what is said in a group is durable there before it is answered, and comes to its members with its place there', async () => {
  const { change, say, entries, attach, done } = await start()
  attach(bob, 2)
  expect(await change('create', 'Tea')).toMatchObject({ is: 'accepted', at: { seq: 1 } })
  expect(await change('add', bob)).toMatchObject({ is: 'accepted', at: { seq: 2 } })
  expect(await say('at four?')).toMatchObject({ is: 'accepted', at: { seq: 3 } })
  expect(await entries(tea)).toMatchObject([{ change: 'create' }, { change: 'add' }, { body: 'at four?' }])
  await expect.poll(() => entries(bob)).toHaveLength(2)
  expect(await entries(bob)).toMatchObject([{ place: { group: tea, at: 2, change: 'add' } }, { place: { at: 3 } }])
  await expect.poll(() => done).toContainEqual([2, expect.arrayContaining(['message', 2, 'ann', 'at four?'])])
})

it('a group is noted before its first entry is written: the next life of the node knows that copies may be owed', async () => {
  const order: string[] = []
  const { store, change } = await start({
    noteGroup: async (...given) => {
      await store.noteGroup(...given)
      order.push('noted')
    },
    append: async (...given) => {
      order.push('written')
      await store.append(...given)
    },
  })
  await change('create', 'Tea')
  expect(order.slice(0, 2)).toEqual(['noted', 'written'])
  expect(await store.notedGroups()).toMatchObject([{ group: tea }])
})

it('nothing is written to a group that could not be noted, and whoever runs the node hears why', async () => {
  const { store, change, entries, faults } = await start({ noteGroup: down })
  void change('create', 'Tea')
  await expect.poll(() => faults).toContainEqual({ where: 'store', error: new Error('no answer') })
  expect(await entries(tea)).toEqual([])
  expect(await store.notedGroups()).toEqual([])
})

it('who lets only contacts add them is invited; while the store does not say it, nobody is added', async () => {
  for (const settings of [undefined, down]) {
    const { store, change, groups } = await start(settings && { settings })
    await store.saveSettings(bob, { ...openSettings, groups: 'contacts' })
    await change('create', 'Tea')
    const added = await change('add', bob)
    if (settings) expect(added).toEqual({ is: 'refused', code: 'busy' })
    expect(groups.peek(tea)?.invited).toEqual(new Set(settings ? [] : [bob]))
    expect(groups.peek(tea)?.members.get(bob)?.spans).toEqual(settings ? undefined : [{ from: 2, to: 2 }])
  }
})

it('a group that is loaded knows what was said after its record was written', async () => {
  const { store, term, groups } = await start()
  const changes = [
    { change: 'create', body: 'Tea' },
    { change: 'add', body: 'bob' },
    { change: 'rename', body: 'Tea at four' },
  ] as const
  const entries = changes.map((change, at) => ({ ...(message(at + 1) as Message), from: ann, ...change }))
  await store.append(tea, 7, term, entries)
  groups.tell(tea, { is: 'resume' })
  await expect.poll(() => groups.peek(tea)?.exists).toBe(true)
  expect(groups.peek(tea)).toMatchObject({ name: 'Tea at four' })
  expect([...(groups.peek(tea)?.members.keys() ?? [])]).toEqual([ann, bob])
})

it('members and ticks of a group that cannot be loaded are refused as busy, as what is written to it', async () => {
  const { say, groups, done } = await start({ loadGroup: down })
  groups.tell(tea, { is: 'members', session: 3, by: ann })
  groups.tell(tea, { is: 'ticks', session: 3, by: ann, at: 1 })
  groups.tell(tea, { is: 'watch', session: 3, by: ann })
  await expect.poll(() => done).toHaveLength(3)
  expect(done).toEqual(['members', 'ticks', 'watch'].map((kind) => [3, ['error', 'busy', kind, tea, 0, '']]))
  expect(await say('anybody?')).toEqual({ is: 'refused', code: 'busy' })
})

it('a group that crashes goes on by itself: what it had not handed out comes to its members', async () => {
  let holds = true
  const { store, change, say, groups, entries } = await start({
    append: async (id, ...given) => {
      if (id === bob && holds) throw new Error('no answer')
      await store.append(id, ...given)
    },
  })
  await change('create', 'Tea')
  await change('add', bob)
  await say('at four?')
  holds = false
  groups.tell(tea, { is: 'nonsense' } as never)
  await expect.poll(() => entries(bob)).toMatchObject([{ place: { at: 2 } }, { place: { at: 3 } }])
})

it('a message that its record did not keep stays: the record is written again', async () => {
  let fails = true
  const { store, change, pass } = await start({
    saveGroup: async (...given) => {
      if (fails) throw new Error('no answer')
      await store.saveGroup(...given)
    },
  })
  await change('create', 'Tea')
  fails = false
  pass(60_000)
  await expect.poll(() => store.loadGroup(tea)).toMatchObject({ name: 'Tea', seq: 1 })
})

it('who has the chat open hears who types, and who asks for it, who is in the group', async () => {
  const { change, say, groups, done } = await start()
  await change('create', 'Tea')
  await change('add', bob)
  await say('at four?')
  groups.tell(tea, { is: 'watch', session: 3, by: ann })
  groups.tell(tea, { is: 'typing', by: bob, what: 1 })
  groups.tell(tea, { is: 'members', session: 3, by: ann })
  await expect.poll(() => done).toContainEqual([3, ['done', 'watch', tea, 0]])
  await expect.poll(() => done).toContainEqual(['hint', 3, ['typing', tea, 1, bob]])
  await expect.poll(() => done).toContainEqual([3, ['group', tea, 'Tea', 0, [ann], [ann, bob], 'default']])
})

it('who asks about a group that is not in memory is told where another node has it by now, as an erasure that goes through all groups', async () => {
  const { logs } = await house()
  const spellOf = oneSpell(logs.store, logs.term, (_, over) => over?.())
  const groups = hostGroups({ ...logs, spellOf, notes: new Notes(spellOf) })
  const asked = groups.query(tea, 'group').catch(() => 'is told')
  expect(await Promise.race([asked, othersTurn(systemClock).then(() => 'waits for ever')])).toBe('is told')
})

it('what a group has not handed out yet is left to the node that has it next, which hands it out anew', async () => {
  const { change, say, router, runtime, groups } = await start()
  const copies: ((answer: Accepted) => void)[] = []
  const ask = router.ask.bind(router) as typeof router.ask
  router.ask = (to, messageOf, answered) => {
    if (to.kind === 'user') copies.push(answered)
    else ask(to, messageOf, answered)
  }
  await change('create', 'Tea')
  await change('add', Array.from({ length: 300 }, (_, n) => `m${n}`).join('\n'))
  for (let n = 0; n < 40; n++) await say(`message ${n}`)
  const atOnce = 8_192
  expect(copies.length).toBe(atOnce)
  await runtime.release(shardOf(tea, 1_024), 60_000)
  expect(groups.inspect(tea).status).toBe('absent')
  for (const answered of copies.splice(0)) answered({ is: 'accepted', at: { epoch: 1, seq: 1 }, time: 1 })
  await new Promise<void>((resolve) =>
    runtime.turns.add(() => {
      resolve()
      return 0
    }),
  )
  expect(copies.length).toBe(0)
})
