/** What operators see of a user and of a message. */
import { type NodeRouter, toPresence, toUser } from '../../actors/addresses.ts'
import { unpacked } from '../../actors/keys/packed.ts'
import { chatOf, type Entry, type Waiting } from '../protocol/entry.ts'
import { type ChatId, isGroup, type MessageId, type Millis, type UserId } from '../protocol/ids.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import type { KeyStore, LogStore, MessageTrace, SettingsStore, TraceStore } from '../store/contract.ts'

export type UserInspection = {
  readonly user: string
  readonly actor: {
    readonly path: string | null
    readonly status: string
    readonly mailbox: number
    readonly restarts: number
  }
  readonly epoch: number
  readonly tail: number
  readonly term: number
  readonly devices: readonly { device: string; connected: boolean; cursor: number; unacknowledged: number }[]
  readonly lastSeen: Millis | null
  /** The 1:1 chats that are not `default`. */
  readonly lifetimes: readonly { readonly chat: string; readonly lifetime: Lifetime }[]
  /** The lowest seqs whose timers have not started, as stored; null: there are none. */
  readonly waiting: Waiting | null
  /** Of a user with keys for sealed messages: links, devices that have left something, and prekeys for one use, all counted. */
  readonly keys?: { readonly links: number; readonly devices: number; readonly prekeys: number }
}

export type MessageStep = {
  readonly step: 'sent' | 'delivered' | 'read' | 'waiting' | 'gone'
  readonly at: Millis | null
  readonly text: string
}

/** undefined: nothing is known of that user. */
export async function inspectUser(
  router: NodeRouter,
  store: LogStore & SettingsStore & KeyStore,
  term: number,
  user: UserId,
  now: Millis,
): Promise<UserInspection | undefined> {
  const inbox = await router.query(toUser(user), 'inbox')
  if (!inbox) return undefined
  const { epoch, tail } = inbox
  const waiting = (await store.load(user))?.waiting ?? null
  const { path, status, mailbox, restarts } = await router.inspect(toUser(user))
  const devices = inbox.devices.map(({ seenAt, ...device }) => device)
  const seen = (await router.query(toPresence(user), 'lastSeen')) ?? null
  const lastSeen = seen && Math.min(seen, now)
  const lifetimes = ((await store.settings(user))?.lifetimes ?? []).map(({ chat, lifetime }) => ({ chat, lifetime }))
  const actor = { path, status, mailbox, restarts }
  const keys = await keysOf(store, user)
  return { user, actor, epoch, tail, term, devices, lastSeen, lifetimes, waiting, ...(keys && { keys }) }
}

async function keysOf(store: KeyStore, user: UserId): Promise<UserInspection['keys']> {
  const links = (await store.links(user, 1)).length
  const identities = await store.shelves(user)
  const rows = await Promise.all(identities.map((identity) => store.shelf(user, identity)))
  const prekeys = rows.reduce((sum, row) => sum + (row ? unpacked(row).left.length : 0), 0)
  return links + identities.length > 0 ? { links, devices: identities.length, prekeys } : undefined
}

type Looking = { readonly router: NodeRouter; readonly store: LogStore & TraceStore; readonly now: Millis }

/** What became of a message, step by step; empty when its id is not known, or no longer. */
export async function inspectMessage(
  router: NodeRouter,
  store: LogStore & TraceStore,
  id: MessageId,
  now: Millis,
): Promise<readonly MessageStep[]> {
  const steps: MessageStep[] = []
  for (const place of await store.trace(id))
    if (place.recipient !== place.sender) steps.push(...(await stepsAt({ router, store, now }, place)))
  return steps
}

async function stepsAt(looking: Looking, place: MessageTrace): Promise<MessageStep[]> {
  const { recipient, sender, seq, time } = place
  const [found] = await looking.store.read(recipient, seq, 1, 1, looking.now)
  const entry = found?.seq === seq ? found : undefined
  const chat = entry?.is === 'message' ? chatOf(entry) : sender
  const text = `from ${sender}, durable in the inbox of ${recipient} at seq ${seq}`
  const later = [await deliveredStep(looking, place), await readStep(looking, place, chat), goneStep(recipient, entry)]
  return [{ step: 'sent', at: time, text }, ...later.filter((step) => step !== undefined)]
}

async function deliveredStep({ router }: Looking, { recipient, seq }: MessageTrace): Promise<MessageStep> {
  const devices = (await router.query(toUser(recipient as UserId), 'inbox'))?.devices ?? []
  const has = devices.filter(({ cursor }) => cursor >= seq).map(({ device }) => device)
  const lacks = devices.filter(({ cursor }) => cursor < seq).map(({ device }) => device)
  const whose = isGroup(recipient) ? 'member' : 'device'
  return has.length > 0
    ? { step: 'delivered', at: null, text: `acknowledged by ${recipient}'s ${has.join(', ')}` }
    : {
        step: 'waiting',
        at: null,
        text: `no ${whose} of ${recipient} has it yet${lacks.length ? `: ${lacks.join(', ')}` : ''}`,
      }
}

/** Whether the message has vanished from its recipient's inbox, or when it will. */
function goneStep(recipient: ChatId, entry: Entry | undefined): MessageStep | undefined {
  if (entry?.is === 'gone') return { step: 'gone', at: null, text: `it has vanished, or ${recipient} has deleted it` }
  if (entry?.is !== 'message' || entry.expires === undefined) return undefined
  return { step: 'gone', at: entry.expires, text: `it will have vanished from the inbox of ${recipient}` }
}

/**
 * The inbox of the sender says so seconds later, and never of a group or of who tells nobody what they read. The recipient's actor knows at
 * once, and of who has several devices their inbox says when. What the actor has lost in a crash the sender may have.
 */
async function readStep(
  looking: Looking,
  { recipient, sender, seq, time }: MessageTrace,
  chat: ChatId,
): Promise<MessageStep | undefined> {
  const isReceipt = (entry: Entry) => entry.is === 'receipt' && entry.peer === recipient && entry.read >= seq
  const told = await earliest(latest(looking, sender, time - clocksDiffer), isReceipt)
  if (told) return { step: 'read', at: told, text: `${sender}'s inbox holds the read receipt` }
  const isSeen = (entry: Entry) => entry.is === 'seen' && entry.chat === chat && entry.upTo >= seq
  const at = (await earliest(latest(looking, recipient, time), isSeen)) ?? null
  const reads = at ? [] : await looking.router.query(toUser(recipient as UserId), 'reads')
  const isRead = at !== null || reads.some(([of, upTo]) => of === chat && upTo >= seq)
  return isRead ? { step: 'read', at, text: `${recipient} has read it` } : undefined
}

/** Entries that are looked through, and how many are read at once. */
const lookedThrough = 10_000
const page = 256
/** Sender and recipient may be on two nodes, whose clocks differ by less. */
const clocksDiffer = 60_000

/** From the newest entry of a log back to this time. */
async function* latest({ store, now }: Looking, owner: ChatId, since: Millis): AsyncGenerator<Entry> {
  const tail = (await store.load(owner))?.tail ?? 0
  for (let end = tail; end > Math.max(0, tail - lookedThrough); end -= page) {
    const entries = await store.read(owner, Math.max(1, end - page + 1), Math.min(page, end), 1e9, now)
    for (const entry of [...entries].reverse()) {
      if (entry.time < since) return
      if (entry.seq <= end) yield entry
    }
  }
}

async function earliest(entries: AsyncIterable<Entry>, is: (entry: Entry) => boolean): Promise<Millis | undefined> {
  let at: Millis | undefined
  for await (const entry of entries) if (is(entry)) at = entry.time
  return at
}
