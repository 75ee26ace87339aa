/** What a node does with what it sends to others: refused in its order, where it is refused, and never overtaken. */
import { beforeEach, expect, it } from 'vitest'
import type { Accepted } from '../../actors/log/types.ts'
import type { LinkFrame } from '../../src/cluster/link/batch.ts'
import type { Link } from '../../src/cluster/link/link.ts'
import type { MemberState } from '../../src/cluster/types.ts'
import { kinds } from '../../src/forwarding/frames.ts'
import { Proxies } from '../../src/forwarding/proxies.ts'
import { Forwarding } from '../../src/forwarding/router.ts'
import type { Sessions } from '../../src/hosts/sessions/sessions.ts'
import { type Address, Asks, Durations, type Router } from '../../src/runtime/index.ts'
import { Wheel } from '../../src/runtime/wheel.ts'
import type { ShardRow } from '../../src/store/contract.ts'
import { handClock } from '../cluster/pairs.ts'
import { shards, userOf } from './nodes.ts'

const busy: Accepted = { is: 'refused', code: 'busy' }
const sent: Accepted = { is: 'accepted', at: { epoch: 1, seq: 1 }, time: 1 }
const [me, other, third] = [1, 2, 3]
type Said = { readonly is: string } & Record<string, unknown>

/** One node, 1, with links to 2 and 3, of which it is seen what is said. */
function world() {
  const { clock } = handClock()
  const wheel = new Wheel(clock)
  const asks = new Asks<Accepted>(wheel, 10_000, busy)
  const rows = new Map<number, ShardRow>()
  const spells = new Map<number, { term: number; phase: 'owned' }>()
  const told: string[] = []
  const closed: string[] = []
  const ended = new Set<number>()
  /** Asks that came to actors here, which the test answers. */
  const asked: { readonly id: string; readonly message: Said; answer(answer: Accepted): void }[] = []
  const linkTo = (life: number) => {
    const frames: LinkFrame[] = []
    const link = { isOpen: true, peer: { life }, waiting: 0, frames }
    const send = (frame: LinkFrame) => {
      if (link.isOpen) frames.push(frame)
      return link.isOpen
    }
    return { ...link, frames, send, tell: send, hint: send } as unknown as Link & {
      frames: LinkFrame[]
      isOpen: boolean
    }
  }
  const links = new Map([other, third].map((life) => [life, linkTo(life)]))
  const note =
    (how: string) =>
    ({ kind, id }: Address<never>, message: Said) =>
      void told.push(`${how} ${kind} ${id} ${message.is}`)
  const local = {
    leads: () => true,
    tell: note('tell'),
    tellIfPresent: note('tellIfPresent'),
    hint: note('hint'),
    refuse: note('refuse'),
    ask: ({ id }: Address<never>, messageOf: (ticket: number) => Said, answered: (answer: Accepted) => void) =>
      void asked.push({ id, message: messageOf(asked.length + 1), answer: answered }),
  } as unknown as Router<Accepted>
  const users = new Map<number, string>()
  const sessions = {
    has: (ref: number) => !ended.has(ref),
    close: (ref: number, code: string) => void closed.push(`${ref} ${code}`),
    closeWhere(isSo: (entrant: { user: string }) => boolean, code: string) {
      for (const [ref, user] of users) if (isSo({ user })) closed.push(`${ref} ${code}`)
    },
    attachAgain: () => void told.push('attach again'),
    watchAgain: () => {},
  } as unknown as Sessions
  const proxies = new Proxies({ last: 100 })
  const router = new Forwarding({
    clock,
    wheel,
    local,
    asks,
    shards,
    state: () => ({ me: { life: me }, shards: rows, spells }) as unknown as MemberState,
    links: () => ({ to: (life: number) => links.get(life) }),
    sessions: () => sessions,
    proxies,
    still: () => undefined,
    stills: new Durations(),
    learn: () => {},
  })
  const own = (shard: number, owner: number, term: number) => {
    rows.set(shard, { shard, owner, term })
    if (owner === me) spells.set(shard, { term, phase: 'owned' })
    else spells.delete(shard)
  }
  const answers: string[] = []
  const deliver = (nth: number, { ref = 50, round = 1 } = {}): Said => ({
    is: 'deliver',
    origin: { is: 'session', ref },
    step: { nth, round },
  })
  const ask = (to: string, nth: number, round = 1) =>
    router.ask<never>(
      { kind: 'user', id: to } as Address<never>,
      () => deliver(nth, { round }) as never,
      (answer) => answers.push(`${nth} ${answer.is === 'refused' ? answer.code : answer.is}`),
    )
  const tell = (to: string, message: Said) => router.tell({ kind: 'user', id: to } as Address<never>, message as never)
  return { router, own, links, told, closed, asked, answers, deliver, ask, tell, users, ended, proxies }
}

const kindsOf = ({ frames }: { readonly frames: readonly LinkFrame[] }) =>
  frames.map(([kind]) => Object.entries(kinds).find(([, n]) => n === kind)?.[0])

let one: ReturnType<typeof world>
beforeEach(() => {
  one = world()
})
const linkTo = (life: number) => one.links.get(life) as Link & { frames: LinkFrame[]; isOpen: boolean }
const bob = userOf(3)

it('a link that is lost: all that was under way over it is refused, in its order, with what came back and what is held', () => {
  const { router, own, ask, tell, answers, closed, users } = one
  own(3, other, 7)
  users.set(50, bob)
  users.set(51, userOf(4))
  own(4, third, 7)
  for (const nth of [1, 2, 3]) ask(bob, nth)
  own(3, third, 8)
  router.learned(3)
  for (const nth of [4, 5]) ask(bob, nth)
  tell(bob, { is: 'ack', session: 50, seq: 9 })
  const asks = linkTo(other).frames.filter(([kind]) => kind === kinds.ask)
  expect(asks).toHaveLength(3)
  router.heard(linkTo(other), [kinds.back, asks[2]])
  expect(answers).toEqual([])
  linkTo(other).isOpen = false
  router.lost(linkTo(other))
  expect(answers).toEqual(['1 busy', '2 busy', '3 busy', '4 busy', '5 busy'])
  // What it said and nobody confirmed only its client can say again; the other one's user was never there.
  expect(new Set(closed)).toEqual(new Set(['50 restarted']))
  expect(linkTo(third).frames).toEqual([])
})

it('a link that is lost: its sessions have ended for the actors here', () => {
  const { router, own, told, proxies } = one
  own(3, me, 7)
  const attach = { is: 'attach', session: 7, user: bob }
  router.heard(linkTo(other), [kinds.tell, 0, 'user', bob, attach])
  router.heard(linkTo(other), [kinds.tell, 0, 'presence', userOf(3, 1), { is: 'watch', watcher: { session: 7 } }])
  expect(proxies.size).toBe(1)
  told.length = 0
  router.lost(linkTo(other))
  expect(told).toEqual([
    `tellIfPresent presence ${userOf(3, 1)} unwatch`,
    `tell user ${bob} detach`,
    `tell presence ${bob} gone`,
  ])
  expect(proxies.size).toBe(0)
})

it('what came behind a message that was refused for now is refused, until that comes again', () => {
  const { router, own, asked, deliver } = one
  own(3, me, 7)
  const come = (ticket: number, nth: number, round: number) =>
    router.heard(linkTo(other), [kinds.ask, ticket, 'user', bob, deliver(nth, { ref: 7, round })])
  come(1, 1, 1)
  come(2, 2, 1)
  asked[0]?.answer(busy)
  asked[1]?.answer(sent)
  // Had left before the refusal was heard.
  come(3, 3, 1)
  expect(asked).toHaveLength(2)
  // Of another session, and the round in which the first comes again.
  router.heard(linkTo(other), [kinds.ask, 4, 'user', bob, deliver(1, { ref: 8 })])
  come(5, 4, 2)
  expect(asked.map(({ message }) => (message['step'] as { nth: number }).nth)).toEqual([1, 2, 1, 4])
  const replies = linkTo(other).frames.map(([kind, ticket, answer]) => [kind, ticket, (answer as Accepted).is])
  expect(replies).toEqual([
    [kinds.answer, 1, 'refused'],
    [kinds.answer, 2, sent.is],
    [kinds.answer, 3, 'refused'],
  ])
})

it('a shard that moves: sessions attach again, then comes what came back, then what was held', () => {
  const { router, own, ask, told, ended, tell } = one
  own(3, other, 7)
  ask(bob, 1)
  own(3, third, 8)
  router.learned(3)
  expect(kindsOf(linkTo(other))).toEqual(['moved', 'ask', 'moved', 'flush'])
  ask(bob, 2)
  tell(bob, { is: 'ack', session: 60, seq: 1 })
  // Nothing is sent any more of a session that has ended.
  ended.add(60)
  const [, , , flush] = linkTo(other).frames as [LinkFrame, LinkFrame, LinkFrame, LinkFrame]
  router.heard(linkTo(other), [kinds.back, linkTo(other).frames[1]])
  expect(linkTo(third).frames).toEqual([])
  router.heard(linkTo(other), [kinds.flushed, flush[1], flush[2]])
  expect(told).toEqual(['attach again'])
  expect(kindsOf(linkTo(third))).toEqual(['moved', 'ask', 'ask'])
  const steps = linkTo(third)
    .frames.slice(1)
    .map(([, , , , message]) => (message as Said)['step'])
  expect(steps).toEqual([
    { nth: 1, round: 1 },
    { nth: 2, round: 1 },
  ])
})

it('a copy of a group’s message that came back, or was held, may be a repeat by then: the group may be elsewhere, and have handed it out anew', () => {
  const { router, own } = one
  own(3, other, 7)
  const copy = (nth: number) => {
    const message = { is: 'deliver', origin: { is: 'link', ref: 'life 1' }, step: { nth, round: 1 }, again: false }
    router.ask<never>(
      { kind: 'user', id: bob } as Address<never>,
      () => message as never,
      () => {},
    )
  }
  copy(1)
  own(3, third, 8)
  router.learned(3)
  copy(2)
  const [, ask, , flush] = linkTo(other).frames as [LinkFrame, LinkFrame, LinkFrame, LinkFrame]
  expect((ask[4] as Said)['again']).toBe(false)
  router.heard(linkTo(other), [kinds.back, ask])
  router.heard(linkTo(other), [kinds.flushed, flush[1], flush[2]])
  const copies = linkTo(third)
    .frames.slice(1)
    .map(([, , , , message]) => message as Said)
  expect(copies.map(({ step, again }) => [(step as { nth: number }).nth, again])).toEqual([
    [1, true],
    [2, true],
  ])
})

it('what came back from the only owner that is known is refused, and not sent for ever', () => {
  const { router, own, ask, answers } = one
  own(3, other, 7)
  ask(bob, 1)
  router.heard(linkTo(other), [kinds.back, linkTo(other).frames[1]])
  expect(answers).toEqual(['1 busy'])
  expect(kindsOf(linkTo(other))).toEqual(['moved', 'ask'])
})
