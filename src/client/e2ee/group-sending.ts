/** What a member of a sealed group has to know before anything goes there, and who a group is for its person. */
import type { SendFrame } from '../../protocol/frames.ts'
import type { GroupId, UserId } from '../../protocol/ids.ts'
import { sealedMembers } from '../../protocol/keys/group.ts'
import { isSealedGroup, sealedGroup } from '../../protocol/sealed.ts'
import { UsageError } from '../errors.ts'
import type { Engine } from './engine.ts'
import { draftForGroup } from './group-sealing.ts'
import type { Groups } from './groups.ts'
import type { Line } from './line.ts'
import { nameOf } from './peers.ts'
import { type Pin, waits } from './pins.ts'
import { type Device, sayQuietly } from './quiet.ts'
import type { Repair } from './repair.ts'
import { begunBy, type List, newcomers } from './roster.ts'
import { sealedSend } from './sealing.ts'
import type { E2eeOptions, GroupIdentity } from './types.ts'

/** `waken` resolves when something has come, and rejects when the connection is over. */
export async function sendToGroup(
  engine: Engine,
  line: Line,
  repair: Repair,
  frame: SendFrame,
  mine: Pin,
  waken: () => Promise<void>,
): Promise<SendFrame | 'no_keys' | 'too_many_members'> {
  const [, , group, body, , , change] = frame
  const isNew = change === 'create'
  const now = isNew ? begunBy(engine.user) : await known(engine, line, repair, group as GroupId, waken)
  const more = change === 'add' ? newcomers(now, String(body)).length : 0
  if (now.members.length + more > sealedMembers) return 'too_many_members'
  return (await sealedSend(engine, frame, (frame) => draftForGroup(engine, line, frame, now, mine))) ?? 'no_keys'
}

/** Milliseconds that those who were asked have before others are asked, too. */
const askedMs = 5_000
/** Devices that are asked, on one connection. */
const mostAsked = 32

/** Who is in a group. A device that does not know asks; whoever answers first is believed, until somebody answers who is believed more. */
async function known(
  engine: Engine,
  line: Line,
  repair: Repair,
  group: GroupId,
  waken: () => Promise<void>,
): Promise<List> {
  const groups = engine.groups as Groups
  if (!groups.of(group)) void ask(engine, line, repair, group).catch(() => {})
  for (;;) {
    const now = groups.of(group)
    if (now) return now
    await waken()
  }
}

/**
 * The other devices of its user first, which no server can make up. They may be lost, or know nothing either: then the admins that the server
 * names are asked, and after them the members.
 */
async function ask(engine: Engine, line: Line, repair: Repair, group: GroupId) {
  const { pins, groups, user: mine, device: own } = engine
  const answer = await line.ask(['members', group])
  const [admins, members] = answer[0] === 'group' ? [answer[4], answer[5]] : [[], []]
  const asked = new Set<string>()
  const ranked = [
    [2, [mine]],
    [1, admins],
    [0, members],
  ] as const
  for (const [rank, users] of ranked) {
    const before = asked.size
    for (const user of users) {
      if (asked.size >= mostAsked) break
      for (const { device } of (await pins.known(line, user)).chain.members) {
        if ((user === mine && device === own) || asked.size >= mostAsked || asked.has(`${user}\n${device}`)) continue
        asked.add(`${user}\n${device}`)
        asks(engine, repair, line, { user, device }, group, rank)
      }
    }
    if (asked.size > before) await line.pause(askedMs)
    if (groups?.of(group) || !line.isOpen) return
  }
}

/** Asks a device who is in a group, once in a while. `rank`: how far it is believed where it would not be by itself (groups.ts). */
export function asks(engine: Engine, repair: Repair, line: Line, from: Device, group: string, rank?: number): void {
  const groups = engine.groups as Groups
  const name = nameOf(from.user, from.device) + group
  if (!groups.mayAsk(name, rank)) return
  repair.later(async () => {
    const isSent = await sayQuietly(engine, line, from, { body: '', of: group, says: 'roster' }, false).catch(
      () => false,
    )
    if (!isSent) groups.notAsked(name)
  })
}

/** Another device asks who is in a group: only to members is it said. */
export async function sayWho(engine: Engine, line: Line, to: Device, group: string): Promise<void> {
  const groups = engine.groups as Groups
  if (!groups.of(group)?.members.includes(to.user)) return
  await sayQuietly(engine, line, to, { body: groups.text(group) ?? '', of: group, says: 'members' }, false)
}

/** As its person sees it. */
export async function identityOf(engine: Engine, line: Line, id: string): Promise<GroupIdentity> {
  const groups = engine.groups as Groups
  const { pins, user: mine } = engine
  const answer = isSealedGroup(id) ? await line.ask(['members', id as GroupId]) : undefined
  if (answer?.[0] !== 'group') throw new UsageError('not_sealed', 'no sealed group of this user')
  const [, , , , , listed] = answer
  const members = (groups.of(id)?.members ?? []).filter((user) => listed.includes(user as UserId))
  const found = await Promise.all(members.map((user) => pins.known(line, user)))
  const without = found.filter((pin) => pin.chain.n === 0 || (pin.chain.user !== mine && waits(pin)))
  return { members, unsealed: groups.unsealed(id, listed), without: without.map(({ chain }) => chain.user) }
}

/** How the id begins of a group that is made of these. */
export async function markFor(
  { pins }: Engine,
  line: Line,
  members: readonly string[],
  plaintext: E2eeOptions['plaintext'] = 'refuse',
): Promise<string> {
  if (members.length >= sealedMembers) return '#'
  if (plaintext === 'refuse') return sealedGroup
  const all = await Promise.all(members.map((user) => pins.known(line, user)))
  return all.every(({ chain }) => chain.n > 0) ? sealedGroup : '#'
}
