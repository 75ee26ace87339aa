/** How copies of a group's messages go to its members, and how their answers come back. */
import { expect, it } from 'vitest'
import type { NodeRouter } from '../../actors/addresses.ts'
import type { Message } from '../../actors/group/types.ts'
import type { Accepted, Deliver } from '../../actors/log/types.ts'
import { Copies } from '../../src/hosts/groups/copies.ts'
import type { GroupId } from '../../src/protocol/ids.ts'
import { message, user } from '../contracts/store.ts'

const [tea, jam] = ['#tea' as GroupId, '#jam' as GroupId]
const atOnce = 8_192
const accepted: Accepted = { is: 'accepted', at: { epoch: 1, seq: 1 }, time: 1 }

/** Members whose answers are given by hand, and whose group hears of them when the turn is over. */
function start() {
  const under: { readonly to: string; readonly copy: Deliver; answer(answer: Accepted): void }[] = []
  const turns: (() => number)[] = []
  const told: unknown[][] = []
  const router = {
    ask: ({ id }: { id: string }, copyOf: (ticket: number) => Deliver, answer: (answer: Accepted) => void) =>
      void under.push({ to: id, copy: copyOf(1), answer }),
  } as unknown as NodeRouter
  const copies = new Copies(router, { add: (turn) => void turns.push(turn) }, (group, answered) =>
    told.push([group, ...answered.map(({ link, answer }) => [link, answer.is])]),
  )
  const fan = (group: GroupId, member: string, entry = message(1) as Message, step = { nth: 1, round: 1 }) => {
    const link = { is: 'link', ref: `to ${member}` } as const
    const to = user(member)
    copies.add(group, { do: 'fan', link, epoch: 3, member: to, entry, step, again: false })
  }
  const answers = (count: number, answer = accepted) => {
    for (const copy of under.splice(0, count)) copy.answer(answer)
    for (const turn of turns.splice(0)) turn()
  }
  return { copies, fan, answers, under, told }
}

it('a copy goes to its member as what was said, with the place that it has in the group: the same for all', () => {
  const { fan, under } = start()
  const entry = { ...message(4), change: 'rename' } as Message
  for (const member of ['ann', 'ben']) fan(tea, member, entry)
  expect(under.map(({ to }) => to)).toEqual(['ann', 'ben'])
  const [first, second] = under
  const { from, id, body } = entry
  expect(first?.copy).toMatchObject({ is: 'deliver', from, id, body, origin: { ref: 'to ann' }, again: false })
  expect(first?.copy.place).toEqual({ group: tea, epoch: 3, at: 4, change: 'rename' })
  // By being one object it is encoded once.
  expect(second?.copy.place).toBe(first?.copy.place)
})

it('answers of one turn are one message to each group, refusals too', () => {
  const { fan, answers, told } = start()
  fan(tea, 'ann')
  fan(jam, 'ben')
  fan(tea, 'cat')
  answers(3)
  expect(told).toEqual([
    [tea, ['to ann', 'accepted'], ['to cat', 'accepted']],
    [jam, ['to ben', 'accepted']],
  ])
  fan(tea, 'ann')
  answers(1, { is: 'refused', code: 'busy' })
  expect(told[2]).toEqual([tea, ['to ann', 'refused']])
})

it('what follows a refusal of which the group has not heard yet does not overtake it, until it comes again itself', () => {
  const { fan, answers, under, told } = start()
  const copy = (nth: number, round: number) => fan(tea, 'ann', message(nth) as Message, { nth, round })
  copy(1, 1)
  copy(3, 1)
  under.splice(1, 1)[0]?.answer({ is: 'refused', code: 'busy' })
  copy(4, 1)
  copy(2, 1)
  fan(tea, 'ben')
  expect(under.map(({ to, copy }) => [to, copy.step.nth])).toEqual([
    ['ann', 1],
    ['ann', 2],
    ['ben', 1],
  ])
  answers(3)
  expect(told[0]?.slice(1, 3)).toEqual([
    ['to ann', 'refused'],
    ['to ann', 'refused'],
  ])
  for (const nth of [3, 4]) copy(nth, 2)
  expect(under.map(({ copy }) => copy.step.nth)).toEqual([3, 4])
})

it('only so many copies are under way, whatever was sent; each answer lets another go, and none is lost', () => {
  const { fan, answers, under, told } = start()
  for (let n = 0; n < 20_000; n++) fan(n % 2 ? tea : jam, `m${n}`)
  const sent = new Set<string>()
  while (under.length > 0) {
    expect(under.length).toBeLessThanOrEqual(atOnce)
    for (const { to } of under) sent.add(to)
    answers(5_000)
  }
  expect(sent.size).toBe(20_000)
  expect(told.reduce((count, [, ...answered]) => count + answered.length, 0)).toBe(20_000)
})

it('a small group does not wait for all copies of a large one', () => {
  const { fan, answers, under } = start()
  for (let n = 0; n < atOnce + 1_000; n++) fan(tea, `m${n}`)
  fan(jam, 'ann')
  expect(under).toHaveLength(atOnce)
  answers(100)
  expect(under.slice(-100).map(({ to }) => to)).toContain('ann')
})

it('copies of one group to a member go in the order in which they were made', () => {
  const { fan, answers, under } = start()
  for (let seq = 1; seq <= atOnce + 500; seq++) fan(tea, 'ann', message(seq) as Message)
  const seqs: (number | undefined)[] = []
  while (under.length > 0) {
    seqs.push(under[0]?.copy.place?.at)
    answers(1)
  }
  expect(seqs).toEqual(Array.from({ length: atOnce + 500 }, (_, n) => n + 1))
})

it('what waits of a group is forgotten when another node has it, and what it has to hand out later keeps its order', () => {
  const { copies, fan, answers, under } = start()
  for (let n = 0; n < atOnce; n++) fan(jam, `m${n}`)
  for (let seq = 1; seq <= 200; seq++) fan(tea, 'ann', message(seq) as Message)
  fan(jam, 'ben')
  copies.forget((group) => group === tea)
  for (let seq = 201; seq <= 400; seq++) fan(tea, 'ann', message(seq) as Message)
  const seqs: (number | undefined)[] = []
  let bens = 0
  while (under.length > 0) {
    const [first] = under
    if (first?.to === 'ann') seqs.push(first.copy.place?.at)
    if (first?.to === 'ben') bens += 1
    answers(1)
  }
  expect([seqs, bens]).toEqual([Array.from({ length: 200 }, (_, n) => n + 201), 1])
})
