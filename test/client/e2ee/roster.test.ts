/** Who is in a sealed group: all come to the same, whatever comes in which order, and nobody but admins says it. */
import { expect, it } from 'vitest'
import {
  begunBy,
  type List,
  listIn,
  listText,
  type Roster,
  Rosters,
  type Step,
} from '../../../src/client/e2ee/roster.ts'
import { generator } from './random.ts'

const rosters = new Rosters('chat.example.org')
const group = '#sealed-1'
const step = (at: number, by: string, change: string, value: string): Step => ({
  at,
  id: String(at),
  by,
  change,
  value,
})
const made: Roster = { ...begunBy('alice'), later: [] }
const all = (steps: readonly Step[], from = made): Roster =>
  steps.reduce((roster, next) => rosters.with(group, roster, next) ?? roster, from)
const names = ({ members, admins }: List) => [members.join(' '), admins.join(' ')]

const steps = [
  step(1, 'alice', 'create', 'team'),
  step(2, 'alice', 'add', 'bob\ncarol'),
  step(3, 'alice', 'promote', 'bob'),
  step(4, 'bob', 'add', 'dave'),
  step(5, 'alice', 'remove', 'carol'),
]

it('follows changes, by admins alone', () => {
  expect(names(rosters.now(group, all(steps)))).toEqual(['alice bob dave', 'alice bob'])
  expect(rosters.now(group, all(steps)).n).toBe(5)
  for (const change of ['add', 'remove', 'promote', 'demote', 'rename', 'create'])
    expect(rosters.with(group, all(steps), step(6, 'dave', change, 'mallory'))).toBeUndefined()
  expect(rosters.with(group, all(steps), step(6, 'alice', 'create', 'again'))).toBeUndefined()
})

it('comes to the same, in whichever order two changes come that were made at once', () => {
  const [first, ...rest] = steps
  const others = [rest, rest.toReversed().toSorted((one, other) => Number(one.at > 3) - Number(other.at > 3))]
  const found = others.map((later) => rosters.now(group, all([first as Step, ...later])))
  expect(found[1]).toEqual(found[0])
})

it('without an admin who has been there for longest becomes one, as at the server', () => {
  const left = all([...steps, step(6, 'alice', 'leave', 'alice'), step(7, 'bob', 'leave', 'bob')])
  expect(names(rosters.now(group, left))).toEqual(['dave', 'dave'])
  // What is not sealed names nothing.
  expect(rosters.now(group, left).hash).toBe(rosters.now(group, all(steps)).hash)
})

it('keeps few changes, and goes on from what they made', () => {
  const many = Array.from({ length: 100 }, (_, n) => step(10 + n, 'alice', 'rename', `team ${n}`))
  const roster = all([...steps, ...many])
  expect(roster.later).toHaveLength(16)
  expect(rosters.now(group, roster).n).toBe(105)
  expect(rosters.now(group, roster).heads).toHaveLength(17)
})

it('takes no list that is none, 20,000 times', () => {
  const random = generator(1)
  const text = listText(rosters.now(group, all(steps)))
  expect(listIn(text)).toEqual(JSON.parse(text))
  for (let n = 0; n < 20_000; n++) {
    const at = random(text.length)
    const other = text.slice(0, at) + String.fromCharCode(32 + random(95)) + text.slice(at + random(3))
    const found = listIn(other)
    if (found) expect(listIn(listText(found))).toEqual(found)
  }
  for (const other of ['', 'null', '[]', '1', '{}', '{"n":1,"hash":5,"members":[],"admins":[]}', '{"n":-1}'])
    expect(listIn(other)).toBeUndefined()
})
