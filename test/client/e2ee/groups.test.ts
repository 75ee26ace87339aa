/** Sealed groups, as one device knows them, against members and servers that lie. */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { expect, it, vi } from 'vitest'
import type { Engine } from '../../../src/client/e2ee/engine.ts'
import { compared, textIn } from '../../../src/client/e2ee/group-opening.ts'
import { sharedStatement } from '../../../src/client/e2ee/group-sealing.ts'
import { asks } from '../../../src/client/e2ee/group-sending.ts'
import { Groups } from '../../../src/client/e2ee/groups.ts'
import type { Line } from '../../../src/client/e2ee/line.ts'
import { keyPayload, type Payload } from '../../../src/client/e2ee/payload.ts'
import type { Repair } from '../../../src/client/e2ee/repair.ts'
import { begunBy, type List, listText, type Step } from '../../../src/client/e2ee/roster.ts'
import { seal } from '../../../src/client/e2ee/symmetric.ts'
import type { GroupChange } from '../../../src/client/e2ee/types.ts'
import type { GroupId, MessageId } from '../../../src/protocol/ids.ts'

const [realm, group] = ['chat.example.org', '#sealed-1' as GroupId]
const step = (at: number, by: string, change: string, value: string): Step => ({
  ...{ at, id: String(at), by, change, value },
})

/** What a device of this user knows of a group that Alice has made, with Bob and Carol. */
function known(user: string) {
  const told: GroupChange[] = []
  const groups = new Groups(realm, new Map(), (event) => void told.push(event))
  const change = (next: Step, list: List | undefined = groups.of(group)) =>
    groups.changed(group, user, next, list ? listText(list) : '')
  if (user === 'alice') change(step(1, 'alice', 'create', 'team'), begunBy('alice'))
  change(step(2, 'alice', 'add', 'bob\ncarol'), groups.of(group) ?? begunBy('alice'))
  return { groups, told, change }
}
const list = (n: number, members: string[], admins: string[]): List => {
  const hash = Buffer.from(sha256(Buffer.from(String(n)))).toString('hex')
  return { n, hash, members, admins }
}

it('a member who was given the key of a text makes no other text with it', () => {
  const from = { user: 'alice', device: 'phone' }
  const statement = sharedStatement(realm, group, 'id', from)
  // As any of them may choose it: what they can never choose is a key that they were given for another text.
  const key = new Uint8Array(32).fill(7)
  const forged = seal(key, concatBytes(new Uint8Array(32), Buffer.from('pay Mallory')), statement)
  expect(textIn(realm, group, 'id' as MessageId, from, keyPayload(key), forged)).toBeUndefined()
})

it('lists that no device makes are none: of other types, with somebody twice, or with a number that none comes after', () => {
  const honest = { n: 1, hash: 'ab'.repeat(32), members: ['eve', 'bob'], admins: ['eve'] }
  const lies = [
    ...[{ hash: [] }, { hash: ['ab'.repeat(32)] }, { hash: '' }, { n: Number.MAX_SAFE_INTEGER }],
    ...[{ members: ['eve', 'bob', 'bob'] }, { admins: ['eve', 'eve'] }],
  ]
  for (const lie of lies) {
    const groups = new Groups(realm, new Map(), () => {})
    const text = JSON.stringify({ ...honest, ...lie })
    expect(groups.changed(group, 'bob', step(3, 'eve', 'rename', 'x'), text)).toEqual([])
    expect(groups.of(group)).toBeUndefined()
  }
})

it('a change by whoever may not make it changes nothing, is told, and shown to nobody as made', () => {
  const { groups, told, change } = known('bob')
  const before = groups.of(group)
  expect(change(step(3, 'carol', 'add', 'mallory'))).toBeUndefined()
  expect(told).toEqual([{ group, why: 'refused', users: ['carol'] }])
  const madeUp = list(9, ['carol', 'bob', 'mallory'], ['carol'])
  expect(change(step(4, 'carol', 'add', 'mallory'), madeUp)).toBeUndefined()
  expect(told.slice(1)).toEqual([{ group, why: 'differs', users: ['carol'] }])
  expect(groups.of(group)).toEqual(before)
  // What comes once more is no change, and told once.
  expect(change(step(2, 'alice', 'add', 'bob\ncarol'), begunBy('alice'))).toEqual([])
  expect(change(step(5, 'carol', 'remove', 'alice'))).toBeUndefined()
  expect(told).toHaveLength(2)
})

it('a list that another device tells in the place of what was known is told', () => {
  const { groups, told } = known('bob')
  const text = listText(list(9, ['alice', 'bob', 'carol', 'mallory'], ['alice']))
  const by = { isOwn: false, user: 'carol', name: 'carol' }
  expect(groups.told(group, text, by)).toEqual([])
  expect(told).toEqual([])
  expect(groups.told(group, text, { ...by, user: 'alice' })).toHaveLength(1)
  expect(told).toEqual([{ group, why: 'differs', users: ['alice'] }])
})

it('where a device knew nothing, an admin corrects what a member has said, and a device of its own user both, however late', () => {
  const told: GroupChange[] = []
  const groups = new Groups(realm, new Map(), (event) => void told.push(event))
  groups.mayAsk('mallory', 0)
  groups.mayAsk('alice', 1)
  const says = (user: string, of: List) =>
    groups.told(group, listText(of), { isOwn: user === 'bob', user, name: user }).length
  const lie = list(2 ** 31 - 1, ['mallory', 'bob'], ['mallory'])
  expect(says('mallory', lie)).toBe(1)
  // Nor is it believed more for what its own admin says then.
  expect(says('mallory', { ...lie, n: 2 ** 31 })).toBe(1)
  expect(says('alice', list(3, ['alice', 'bob', 'eve'], ['alice']))).toBe(1)
  expect(groups.of(group)?.members).toEqual(['alice', 'bob', 'eve'])
  expect(says('mallory', lie)).toBe(0)
  const right = list(2, ['alice', 'bob', 'carol'], ['alice'])
  expect(says('bob', right)).toBe(1)
  expect(groups.of(group)).toMatchObject(right)
  expect(told.map(({ why, users }) => [why, ...users])).toEqual([
    ['differs', 'mallory'],
    ['differs', 'alice'],
    ['differs', 'bob'],
  ])
  // From then on it is as any that this device has followed itself.
  for (const user of ['mallory', 'alice', 'bob']) expect(says(user, { ...lie, n: 1 })).toBe(0)
})

it('what is confirmed is told to nobody', () => {
  const told: GroupChange[] = []
  const groups = new Groups(realm, new Map(), (event) => void told.push(event))
  groups.mayAsk('carol', 0)
  const known = list(3, ['alice', 'bob', 'carol'], ['alice'])
  groups.told(group, listText(known), { isOwn: false, user: 'carol', name: 'carol' })
  groups.told(group, listText(known), { isOwn: true, user: 'bob', name: 'bob' })
  expect(told).toEqual([])
  // And holds, whoever says another then.
  groups.mayAsk('alice', 1)
  groups.told(group, listText(list(2, ['alice', 'bob'], ['alice'])), { isOwn: false, user: 'alice', name: 'alice' })
  expect(groups.of(group)).toMatchObject(known)
})

it('who has left and is taken in again by an admin who was none then knows the group as it is', () => {
  for (const sealed of [true, false]) {
    const { groups, change } = known('bob')
    const then = groups.of(group) as List
    groups.left(group, step(3, 'bob', 'leave', 'bob'))
    // Alice has gone, and Carol is the admin: by a sealed change, or as the server says.
    const now = { ...(sealed ? list(5, [], []) : then), members: ['carol'], admins: ['carol'] }
    change(step(9, 'carol', 'add', 'bob'), now)
    expect(groups.of(group)).toMatchObject({ members: ['carol', 'bob'], admins: ['carol'] })
  }
})

it('who writes and was added by no admin is named, though they know all that was said', () => {
  const { groups, told } = known('bob')
  const { hash = '' } = groups.of(group) ?? {}
  const engine = { groups, user: 'bob', pins: { compare: () => {} } } as unknown as Engine
  const none = { n: 0, hash: new Uint8Array(0) }
  const payload: Payload = { body: 'hi', mine: none, theirs: { n: 1, hash: hexToBytes(hash) } }
  const comes = (user: string) => compared(engine, {} as Repair, {} as Line, { user, device: 'phone' }, group, payload)
  comes('carol')
  expect(told).toEqual([])
  comes('mallory')
  expect(told).toEqual([{ group, why: 'unsealed', users: ['mallory'] }])
})

it('what a server makes up does not fill the memory', () => {
  const { groups, told } = known('bob')
  const before = told.length
  for (let n = 0; n < 5_000; n++) groups.unsealed(group, [`user ${n}`])
  expect(told.length - before).toBe(5_000)
  // The first was forgotten, and is told again.
  groups.unsealed(group, ['user 0'])
  expect(told.length - before).toBe(5_001)
})

it('a device is asked for the members of a group once a minute, and 1,024 in all, whatever a server makes up', async () => {
  const { groups } = known('bob')
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
  const later: (() => Promise<unknown>)[] = []
  const repair = { later: (task: () => Promise<unknown>) => void later.push(task) } as unknown as Repair
  const ask = (user: string, of = group) =>
    asks({ groups } as unknown as Engine, repair, {} as Line, { user, device: 'phone' }, of)
  for (let n = 0; n < 3; n++) ask('alice')
  expect(later).toHaveLength(1)
  for (let n = 0; n < 5_000; n++) ask(`user ${n}`)
  expect(later).toHaveLength(1_024)
  clock.mockReturnValue(60_000)
  for (let n = 0; n < 3; n++) ask('alice')
  expect(later).toHaveLength(1_025)
  // What did not come to the server, as here, where there is none, is asked again.
  await later.at(-1)?.()
  ask('alice')
  expect(later).toHaveLength(1_026)
  clock.mockRestore()
})
