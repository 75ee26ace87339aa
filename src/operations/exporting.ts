/**
 * What a node keeps of a user, as lines of JSON: for the user who asks for it. It is read piece by piece, as fast as it is taken, also
 * while the user is connected: what comes meanwhile may be in it.
 */
import { type NodeRouter, toGroup, toPresence, toUser } from '../../actors/addresses.ts'
import { entriesOf } from '../hosts/logs/lookups.ts'
import { holdersOf, type NodeMedia } from '../media/media.ts'
import { chatOf, type Entry } from '../protocol/entry.ts'
import type { ChatId, UserId } from '../protocol/ids.ts'
import { writeBytes } from '../protocol/json.ts'
import type { MediaId } from '../protocol/media.ts'
import { type Clock, othersTurn } from '../runtime/index.ts'
import type {
  HistoryPosition,
  HistoryStore,
  KeyStore,
  LogStore,
  PeopleStore,
  SettingsStore,
} from '../store/contract.ts'
import type { Bans } from './bans.ts'
import { type Tied, tiedGroups, words } from './people.ts'

type Context = {
  readonly store: LogStore & HistoryStore & SettingsStore & KeyStore & PeopleStore
  readonly router: NodeRouter
  readonly bans: Bans
  readonly media: NodeMedia | undefined
  readonly clock: Pick<Clock, 'now' | 'soon'>
}
type Line = { readonly is: string } & Readonly<Record<string, unknown>>

/** What is in no line, and why. */
export const notExported = [
  'what the user sent to others and has no copy of: it is in the inboxes of those who got it',
  'what was sent to a group and is no more in the inbox of the user: it is in the log of the group',
  'what has expired, vanished or was deleted, and what only devices keep',
  'metrics, logs of the node and backups',
] as const

/** Characters of lines that are made before others have their turn: a few milliseconds. */
const turnSize = 64 * 1024
/** Bytes of a piece of media: in base64 without padding, but for the last. */
const pieceBytes = 48 * 1024

/** Each line is JSON and ends with "\n". The last is `end`: without it something is missing. */
export async function* exported(context: Context, user: UserId): AsyncGenerator<string> {
  let [count, size] = [0, 0]
  const whole = (line: Line): string => `${JSON.stringify(line, writeBytes)}\n`
  for await (const line of linesOf(context, user)) {
    const text = whole(line)
    count += 1
    size += text.length
    yield text
    if (size < turnSize) continue
    size = 0
    await othersTurn(context.clock)
  }
  yield whole({ is: 'end', lines: count, without: notExported })
}

async function* linesOf(context: Context, user: UserId): AsyncGenerator<Line> {
  const found = new Set<MediaId>()
  yield* aboutUser(context, user)
  for await (const tied of tiedGroups(context, user)) yield* groupLine(context, user, tied)
  for await (const line of messages(context, user)) {
    const { media } = line as { readonly media?: { readonly media: string } }
    if (media) found.add(media.media as MediaId)
    yield line
  }
  yield* contents(context, user, found)
}

async function* aboutUser({ store, router, bans, clock }: Context, user: UserId): AsyncGenerator<Line> {
  const { epoch = 0, tail = 0, devices = [] } = (await router.query(toUser(user), 'inbox')) ?? {}
  const lastSeen = (await router.query(toPresence(user), 'lastSeen')) || null
  yield { is: 'user', user, at: clock.now(), epoch, tail, lastSeen, banned: bans.has(user) }
  for (const { device, cursor, seenAt } of devices) yield { is: 'device', device, cursor, lastSeen: seenAt }
  const settings = await router.query(toUser(user), 'settings')
  yield { is: 'settings', ...settings }
  for (const [chat, upTo] of await store.reads(user)) yield { is: 'read', chat, upTo }
  for (const [at, link] of (await store.links(user, 1)).entries()) yield { is: 'key-link', n: at + 1, link }
  for (const identity of await store.shelves(user)) {
    const row = await store.shelf(user, identity)
    if (row) yield { is: 'key-shelf', identity, ...row }
  }
}

/** One that does not answer is named: the rest is of use without it. */
async function* groupLine({ router }: Context, user: UserId, { group, why }: Tied): AsyncGenerator<Line> {
  if (why !== undefined) return yield { is: 'unread', group, why }
  try {
    const known = await router.query(toGroup(group), 'group')
    if (known) yield { is: 'group', group, name: known.name, admin: known.admins.includes(user) }
  } catch (error) {
    yield { is: 'unread', group, why: words(error) }
  }
}

/** Those of the inbox, and then what histories have beside it. */
async function* messages(context: Context, user: UserId): AsyncGenerator<Line> {
  const { store, router, clock } = context
  const tail = (await router.query(toUser(user), 'inbox'))?.tail ?? 0
  let first = tail + 1
  for await (const entry of entriesOf(store, user, 1, tail, clock.now())) {
    first = Math.min(first, entry.seq)
    if (entry.is !== 'gone') yield lineOf(entry)
  }
  for (const chat of await store.histories(user))
    yield* past(store, user, chat, { time: Number.MAX_SAFE_INTEGER, seq: first })
}

/** The newest first. */
async function* past(store: HistoryStore, user: UserId, chat: ChatId, from: HistoryPosition): AsyncGenerator<Line> {
  for (let before: HistoryPosition | undefined = from; before; ) {
    const page: Awaited<ReturnType<HistoryStore['history']>> = await store.history(user, chat, before, 100, 1024 * 1024)
    for (const entry of page) yield lineOf(entry)
    before = page.at(-1)
  }
}

const lineOf = (entry: Entry): Line => ('body' in entry ? { ...entry, chat: chatOf(entry) } : entry)

/** What their messages carry, and what they have uploaded. Of each message 64 bytes are remembered. */
async function* contents({ media }: Context, user: UserId, found: Set<MediaId>): AsyncGenerator<Line> {
  if (!media) return
  for (const holder of holdersOf(user)) for await (const { id } of media.store.held(holder)) found.add(id)
  for (const id of found) yield* content(media, id)
}

/** One that has vanished meanwhile is `lost`. */
async function* content({ store }: NodeMedia, media: MediaId): AsyncGenerator<Line> {
  const medium = await store.find(media)
  if (!medium) return yield { is: 'lost', media }
  const { size, type, uploadedAt } = medium
  yield { is: 'media', media, type, size, uploadedAt }
  let at = 0
  for await (const bytes of pieces(store.read(media, 0, size - 1))) {
    yield { is: 'piece', media, at, base64: bytes.toString('base64') }
    at += bytes.length
  }
}

async function* pieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of source) {
    rest = Buffer.concat([rest, chunk])
    for (; rest.length >= pieceBytes; rest = rest.subarray(pieceBytes)) yield rest.subarray(0, pieceBytes)
  }
  if (rest.length > 0) yield rest
}
