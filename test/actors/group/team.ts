/** A group of ann, ben and cat, for the sentences about groups. What a message to the actor looks like is written here only. */
import { receive } from '../../../actors/group/group.ts'
import { startGroup } from '../../../actors/group/record.ts'
import type { GroupEffect, GroupMessage } from '../../../actors/group/types.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Change } from '../../../src/protocol/group.ts'
import type { DeviceId, GroupId, MessageId, UserId } from '../../../src/protocol/ids.ts'
import type { GroupMember, GroupRecord, InboxRecord } from '../../../src/store/contract.ts'
import { limits } from '../limits.ts'
import { asked } from '../turns.ts'

const user = (name: string) => name as UserId
const member = (name: string): GroupMember => ({
  user: user(name),
  admin: name === 'ann',
  spans: [{ from: 1, to: null }],
  delivered: 1,
  read: 1,
  sent: 0,
  told: { delivered: 1, read: 1 },
})

/** Its log has one entry, which all have: the one that made it. Ann is its admin. Without `names` there is no group yet. */
export function team(
  names: readonly string[] = ['ann', 'ben', 'cat'],
  most = 5,
  more: Partial<GroupRecord> = {},
  life = 'life',
) {
  const cursors = names.map((name) => ({ device: name as DeviceId, seq: 1, seenAt: 1 }))
  const log = { epoch: 7, head: 1, tail: 1, lastTime: 1, settled: 1, waiting: null, lives: [], was: 0 }
  const inbox: InboxRecord | undefined = names.length > 0 ? { ...log, cursors } : undefined
  const members = names.map(member)
  const record: GroupRecord = { seq: 1, name: 'Team', history: 0, lifetime: 'default', members, ...more }
  const state = startGroup('#team' as GroupId, inbox, inbox && record, [], 7, 'default', life)
  const given = { ...limits, members: most }
  let tail = inbox ? 1 : 0
  const written: Entry[] = []
  const tell = (message: GroupMessage): readonly GroupEffect[] => {
    const effects = asked(receive, state, message, { now: 1_000, limits: given })
    for (const effect of effects) if (effect.do === 'append') written.push(...effect.entries)
    return effects
  }
  let sends = 0
  const post = (by: string, body = 'hi', change?: Change) => {
    sends += 1
    const [from, id] = [user(by), `m${sends}` as MessageId]
    const step = { nth: sends, round: 1 }
    const origin = { is: 'session', ref: by.charCodeAt(0) } as const
    return tell({ is: 'deliver', origin, step, from, id, body, change, again: false, ticket: sends })
  }
  /** The log has what it was given. */
  const durable = () => {
    const first = tail + 1
    tail = written.at(-1)?.seq ?? tail
    return tell({ is: 'appended', first, last: tail })
  }
  /** What follows where the store answers the reads among effects. */
  const read = (effects: readonly GroupEffect[]) =>
    of(effects, 'fetch').flatMap(({ reader, from }) =>
      tell({ is: 'page', reader, from, entries: written.filter(({ seq }) => seq >= from && seq <= tail) }),
    )
  /** It is known that all who are to be added may be. */
  const admits = (effects: readonly GroupEffect[], may: (user: UserId) => boolean = () => true) => {
    const consult = one(effects, 'consult')
    return tell({ is: 'consulted', ticket: consult.ticket, open: consult.users.filter(may) })
  }
  /** A message, or a change, that stands in the log; of an `add`, who may be added without being asked. */
  const stands = (by: string, body?: string, change?: Change, may?: (user: UserId) => boolean) => {
    const effects = post(by, body, change)
    if (change === 'add') admits(effects, may)
    return durable()
  }
  /** What members' actors answer to these copies. */
  const answers = (effects: readonly GroupEffect[], code?: 'busy' | 'inbox_full' | 'failed') => {
    const answer = code ? ({ is: 'refused', code } as const) : accepted
    return tell({
      is: 'fanned',
      copies: of(effects, 'fan').map(({ link, step }) => ({ link: link.ref, step, answer })),
    })
  }
  const marks = (name: string, delivered: number, read = 0, hides?: string[]) => {
    const hidden = hides ? { hides: hides.map(user) } : {}
    return tell({ is: 'receipt', from: user(name), epoch: 7, delivered, read, again: false, ...hidden })
  }
  const confirms = (name: string, delivered: number, read: number) =>
    tell({ is: 'receipted', peer: user(name), delivered, read })
  const timer = (timer: 'ticks' | 'record' | 'retell') => tell({ is: 'timer', timer })
  const retries = (effects: readonly GroupEffect[]) => {
    const waits = of(effects, 'after').find(({ timer }) => typeof timer === 'object' && 'link' in timer)
    if (!waits) throw new Error('no link waits')
    return { ms: waits.ms, go: () => tell({ is: 'timer', timer: waits.timer }) }
  }
  const watches = (session: number, name: string) => tell({ is: 'watch', session, by: user(name) })
  const types = (name: string) => tell({ is: 'typing', by: user(name), what: 1 })
  const asks = (name: string) => tell({ is: 'members', session: 3, by: user(name) })
  const asksTicks = (name: string, at: number) => tell({ is: 'ticks', session: 3, by: user(name), at })
  const acts = { post, durable, read, admits, stands, answers, marks, confirms, timer, retries }
  return { state, tell, ...acts, watches, types, asks, asksTicks }
}
const accepted = { is: 'accepted', at: { epoch: 1, seq: 1 }, time: 1 } as const

export const of = <Kind extends GroupEffect['do']>(effects: readonly GroupEffect[], kind: Kind) =>
  effects.filter((effect): effect is Extract<GroupEffect, { do: Kind }> => effect.do === kind)
export function one<Kind extends GroupEffect['do']>(effects: readonly GroupEffect[], kind: Kind) {
  const [effect] = of(effects, kind)
  if (!effect) throw new Error(`no ${kind}`)
  return effect
}
/** Why a message was refused, or the seq that it has. */
export const answer = (effects: readonly GroupEffect[]) => {
  const { answer } = one(effects, 'answer')
  return answer.is === 'accepted' ? answer.at.seq : answer.code
}
/** Who gets which entry. */
export const copies = (effects: readonly GroupEffect[]) =>
  of(effects, 'fan').map(({ member, entry }) => [member, entry.seq])
/** Whom it tells that their messages are delivered and read, how far. */
export const ticked = (effects: readonly GroupEffect[]) =>
  of(effects, 'tell').flatMap(({ user, message }) =>
    message.is === 'receipt' ? [[user, message.delivered, message.read]] : [],
  )
