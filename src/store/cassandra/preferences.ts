/** What users have set. */
import type { types } from 'cassandra-driver'
import type { DeviceId, MessageId, UserId } from '../../protocol/ids.ts'
import type { Lifetime } from '../../protocol/lifetime.ts'
import type { ChatLifetime, ChatTags, Removed, Settings } from '../../protocol/settings.ts'
import { driver } from './driver.ts'
import type { Requests } from './requests.ts'
import { long, number, uuid } from './rows.ts'

const selectQuery =
  'SELECT last_seen, writers, receipts, blocked, contacts, lifetimes, groups, removals, tags FROM preferences WHERE user = ?'
const insertQuery = `INSERT INTO preferences (user, last_seen, writers, receipts, blocked, contacts, lifetimes, groups, removals, tags)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

export async function settings(requests: Requests, user: UserId): Promise<Settings | undefined> {
  const [row] = await requests.rows(selectQuery, [user])
  if (!row) return undefined
  const { last_seen: lastSeen, writers, groups, receipts, blocked, contacts, lifetimes, removals, tags } = row
  // An empty list comes back as null, and so does what was written before there was a choice.
  const choices = {
    lastSeen,
    writers,
    groups: groups ?? 'everyone',
    receipts,
    blocked: blocked ?? [],
    contacts: contacts ?? [],
  }
  return {
    ...choices,
    lifetimes: (lifetimes ?? []).map(lifetimeOf),
    ...(removals && { removals: removals.map(removedOf) }),
    ...(tags?.length > 0 && { tags: tags.map(tagsOf) }),
  }
}

export async function saveSettings(requests: Requests, user: UserId, settings: Settings): Promise<void> {
  const { lastSeen, writers, groups, receipts, blocked, contacts, lifetimes, removals, tags = [] } = settings
  const lists = [blocked, contacts, lifetimes.map(lifetimeCell)]
  const params = [user, lastSeen, writers, receipts, ...lists, groups, removals?.map(removedCell), tags.map(tagsCell)]
  await requests.write([{ query: insertQuery, params }], requests.stamps.ordered())
}

const tagsCell = ({ chat, tags }: ChatTags): types.Tuple => driver().types.Tuple.fromArray([chat, tags])

function tagsOf(cell: types.Tuple): ChatTags {
  const [chat, tags] = cell.values() as [UserId, string]
  return { chat, tags }
}

const removedCell = ({ device, at }: Removed): types.Tuple => driver().types.Tuple.fromArray([device, long(at)])

function removedOf(cell: types.Tuple): Removed {
  const [device, at] = cell.values() as [DeviceId, types.Long]
  return { device, at: number(at) }
}

const lifetimeCell = ({ chat, lifetime, time, id }: ChatLifetime): types.Tuple =>
  driver().types.Tuple.fromArray([chat, lifetime, long(time), uuid(id)])

function lifetimeOf(cell: types.Tuple): ChatLifetime {
  const [chat, lifetime, time, id] = cell.values() as [UserId, Lifetime, types.Long, types.Uuid]
  return { chat, lifetime, time: number(time), id: id.toString() as MessageId }
}
