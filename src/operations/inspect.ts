/** What operators see of a user and of a message. */
import { type NodeRouter, toPresence, toUser } from '../../actors/addresses.ts'
import { unpacked } from '../../actors/keys/packed.ts'
import type { Waiting } from '../protocol/entry.ts'
import type { MessageId, Millis, UserId } from '../protocol/ids.ts'
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

/** What became of a message, step by step; empty when its id is not known, or no longer. */
export async function inspectMessage(
  router: NodeRouter,
  store: LogStore & TraceStore,
  id: MessageId,
  now: Millis,
): Promise<readonly MessageStep[]> {
  const steps: MessageStep[] = []
  for (const { recipient, sender, seq, time } of await store.trace(id)) {
    if (recipient === sender) continue
    steps.push({ step: 'sent', at: time, text: `from ${sender}, durable in the inbox of ${recipient} at seq ${seq}` })
    const devices = (await router.query(toUser(recipient), 'inbox'))?.devices ?? []
    const has = devices.filter(({ cursor }) => cursor >= seq).map(({ device }) => device)
    const lacks = devices.filter(({ cursor }) => cursor < seq).map(({ device }) => device)
    if (has.length > 0)
      steps.push({ step: 'delivered', at: null, text: `acknowledged by ${recipient}'s ${has.join(', ')}` })
    if (has.length === 0)
      steps.push({
        step: 'waiting',
        at: null,
        text: `no device of ${recipient} has it yet${lacks.length ? `: ${lacks.join(', ')}` : ''}`,
      })
    const read = await readAt(store, sender, recipient, seq, now)
    if (read) steps.push({ step: 'read', at: read, text: `${sender}'s inbox holds the read receipt` })
    const gone = await goneStep(store, { recipient, seq }, now)
    if (gone) steps.push(gone)
  }
  return steps
}

/** Whether the message has vanished from its recipient's inbox, or when it will. */
async function goneStep(
  store: LogStore,
  { recipient, seq }: Pick<MessageTrace, 'recipient' | 'seq'>,
  now: Millis,
): Promise<MessageStep | undefined> {
  const [entry] = await store.read(recipient, seq, 1, 1, now)
  if (entry?.seq !== seq) return undefined
  if (entry.is === 'gone') return { step: 'gone', at: null, text: `it has vanished, or ${recipient} has deleted it` }
  if (entry.is !== 'message' || entry.expires === undefined) return undefined
  return { step: 'gone', at: entry.expires, text: `it will have vanished from the inbox of ${recipient}` }
}

async function readAt(
  store: LogStore,
  sender: UserId,
  peer: UserId,
  seq: number,
  now: Millis,
): Promise<Millis | undefined> {
  const tail = (await store.load(sender))?.tail ?? 0
  for (const entry of await store.read(sender, Math.max(1, tail - 10_000), 10_001, 1e9, now)) {
    if (entry.is === 'receipt' && entry.peer === peer && entry.read >= seq) return entry.time
  }
  return undefined
}
