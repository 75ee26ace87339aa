/** What devices are told of their chats, once a world has come to rest, is what the log and the histories say. */
import { expect } from 'vitest'
import { type Carrier, chatOf, type Entry } from '../../src/protocol/entry.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import type { Device } from './device.ts'
import type { World } from './world.ts'

type Told = Extract<ServerFrame, readonly ['chat', ...unknown[]]>

/** All ask; those of one user are answered together. */
export async function chats(world: World): Promise<void> {
  for (const device of world.devices) {
    Object.assign(device, { listed: [], hasListed: false })
    device.say(['ask', 'chats'])
  }
  while (world.devices.some(({ hasListed }) => !hasListed)) {
    for (const device of world.devices) await world.frames(device)
    await world.flow()
    await world.tick(500)
  }
  for (const device of world.devices) await asLogged(world, device)
}

async function asLogged(world: World, { user, listed }: Device): Promise<void> {
  // The node may not believe a clock that was set, so what vanishes by the time may be there or not.
  const times = [world.time.wall, Math.max(world.time.latest, world.time.wall), 0]
  const past = await world.disk.past(user)
  const logs = (await Promise.all(times.map((now) => world.entries(user, now)))).map((log) => [
    ...unlogged(past, log),
    ...log,
  ])
  const saved = await world.disk.reads(user)
  for (const told of listed) {
    const [, chat, , , , read] = told
    const seen = (logs[0] ?? []).flatMap((entry) => (entry.is === 'seen' && entry.chat === chat ? [entry.upTo] : []))
    expect(read, `${user} has read ${chat}`).toBeGreaterThanOrEqual(Math.max(0, saved.get(chat) ?? 0, ...seen))
    if (world.isWhole) expect(read, 'each read that was confirmed').toBeGreaterThanOrEqual(confirmed(world, user, chat))
    const head = (await world.disk.entries(user, 0))[0]?.seq ?? Number.MAX_SAFE_INTEGER
    expect(logs.map((log) => counted(log, head, user, told))).toContainEqual([told[2], told[4]])
  }
  const named = (log: readonly Entry[]) =>
    [...new Set(log.flatMap((entry) => ('body' in entry ? chatOf(entry) : [])))].sort()
  expect(logs.map(named), `all chats of ${user}`).toContainEqual(listed.map(([, chat]) => chat).sort())
}

const confirmed = (world: World, user: UserId, chat: UserId): number =>
  Math.max(0, ...world.devices.map((device) => (device.user === user ? (device.confirmed.get(chat) ?? 0) : 0)))

/** The newest of chats that are in no entry of the log. */
const unlogged = (past: readonly Carrier[], log: readonly Entry[]): readonly Carrier[] =>
  past.filter((entry) => !log.some((other) => 'body' in other && chatOf(other) === chatOf(entry)))

/** Where the newest entry of the chat is, and how many messages of others stand behind what is read. What has left the inbox counts as read. */
function counted(log: readonly Entry[], head: number, user: UserId, [, chat, , , , read]: Told): [number, number] {
  const its = log.filter((entry): entry is Carrier => 'body' in entry && chatOf(entry) === chat)
  const isUnread = (entry: Carrier) =>
    entry.is === 'message' &&
    entry.from !== user &&
    !entry.change &&
    !entry.place?.change &&
    entry.seq > read &&
    entry.seq >= head
  return [its.at(-1)?.seq ?? 0, its.filter(isUnread).length]
}
