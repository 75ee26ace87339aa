/** Public keys for end-to-end encryption: what devices ask of them, and leave. A node keeps none that could read a message. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { type NodeRouter, toGroup, toUser } from '../../../actors/addresses.ts'
import { low } from '../../../actors/keys/shelf.ts'
import type { SessionRef } from '../../../actors/session/ref.ts'
import type { KeysFrame } from '../../../actors/session/types.ts'
import { turnsAway } from '../../../actors/settings.ts'
import type { ErrorCode } from '../../protocol/codes.ts'
import type { SendFrame, ServerFrame } from '../../protocol/frames.ts'
import { type ChatId, type DeviceId, type GroupId, isGroup, type UserId } from '../../protocol/ids.ts'
import { bundlesBytes } from '../../protocol/keys/bundles.ts'
import { framed } from '../../protocol/keys/bytes.ts'
import type { Chain } from '../../protocol/keys/chain.ts'
import { groupIn } from '../../protocol/keys/group.ts'
import { type Sent, sentIn } from '../../protocol/keys/parts.ts'
import { parseUpload } from '../../protocol/keys/upload.ts'
import type { Limits } from '../../protocol/limits.ts'
import { anyType } from '../../protocol/media.ts'
import { isSealed } from '../../protocol/sealed.ts'
import type { ClockFace } from '../../runtime/index.ts'
import type { KeyStore } from '../../store/contract.ts'
import { Buckets } from '../buckets.ts'
import { Chains } from './chains.ts'
import { Shelves } from './shelves.ts'

/** How a node takes sealed messages. */
type Sealing = 'off' | 'allowed' | 'required'

type Context = {
  readonly store: KeyStore
  readonly router: NodeRouter
  readonly limits: Limits
  readonly clock: ClockFace
  readonly sealing: Sealing
  /** Names the world of these users: what was signed in another is worth nothing here. */
  readonly realm: string
  /** Whether no other node changes these keys. */
  readonly isAlone: boolean
  /** A blocked claimer is answered as anybody. */
  readonly swallows: boolean
  /** To the sessions of a device. */
  readonly tell: (user: UserId, device: DeviceId, frame: ServerFrame) => void
}
/** Who asks. */
type Asker = { readonly user: UserId; readonly device: DeviceId }

const minute = 60_000
const tenMinutes = 10 * minute
/** Bytes of links in one answer; one always fits. */
const pageBytes = 48 * 1024
/** Devices that have left something and are in no link yet. */
const mostRequests = 3

export class Keys {
  readonly #context: Context
  readonly #chains: Chains
  readonly #shelves: Shelves
  readonly #changes: Buckets
  readonly #claims: Buckets
  readonly #claimsOfOne: Buckets
  readonly #asked = new Map<GroupId, Promise<ReadonlySet<UserId>>>()

  constructor(context: Context) {
    const { keyChangesPerMinute, claimsPerMinute, claimsOfOne } = context.limits
    this.#context = context
    this.#chains = new Chains(context.store, context.realm, context.isAlone, context.clock)
    this.#shelves = new Shelves(context.store)
    this.#changes = new Buckets(keyChangesPerMinute, minute)
    this.#claims = new Buckets(claimsPerMinute, minute)
    this.#claimsOfOne = new Buckets(claimsOfOne, claimsOfOne * tenMinutes)
  }

  /** A user's keys have gone: what is remembered of them goes, too. */
  async forget(user: UserId): Promise<void> {
    await this.#chains.fresh(user)
  }

  /** What a frame is answered with. */
  async answer(asker: Asker, frame: KeysFrame): Promise<ServerFrame> {
    try {
      const answer = await this.#answer(asker, frame)
      return typeof answer === 'string' ? ['error', answer, frame[0], frame[1], 0, ''] : answer
    } catch {
      return ['error', 'busy', frame[0], frame[1], 0, '']
    }
  }

  #answer(asker: Asker, frame: KeysFrame): Promise<ServerFrame | ErrorCode> | ErrorCode {
    const { sealing, clock } = this.#context
    if (sealing === 'off') return 'refused'
    const isChange = frame[0] === 'link' || frame[0] === 'prekeys'
    const bucket = isChange ? this.#changes : this.#claims
    if (!bucket.take(asker.user, clock.monotonic())) return 'rate_limited'
    switch (frame[0]) {
      case 'chain':
        return this.#links(frame[1], frame[2])
      case 'link':
        return this.#link(asker, frame[1], frame[2])
      case 'prekeys':
        return this.#prekeys(asker, frame[1], frame[2])
      case 'claim':
        return this.#claim(asker, frame[1], frame[2], frame[3])
    }
  }

  async #links(user: UserId, from: number): Promise<ServerFrame> {
    const { n } = await this.#chains.fresh(user)
    const links = n < from ? [] : await this.#context.store.links(user, from)
    let bytes = 0
    const page = links.filter((link, at) => {
      bytes += link.length
      return at === 0 || bytes <= pageBytes
    })
    return ['links', user, from, n, framed(page)]
  }

  async #link({ user }: Asker, ref: string, link: Uint8Array): Promise<ServerFrame | ErrorCode> {
    const { store, limits, tell } = this.#context
    const added = await this.#chains.add(user, link, async ({ before, after }) => {
      if (after.members.length > limits.keyDevices) return 'list_full'
      const shelves = new Set(await store.shelves(user))
      const isLeft = joined(before, after).every((identity) => shelves.has(identity))
      return isLeft ? undefined : 'bad_keys'
    })
    if (typeof added === 'string') return added
    // Who has left has nothing here any more. After a crash before this it still has: nobody gets it, as it is in no chain.
    for (const identity of joined(added.after, added.before)) await store.dropShelf(user, identity)
    const { n } = added.after
    for (const device of devicesOf(added.before, added.after)) tell(user, device, ['links', user, 0, n, framed([])])
    this.#shutOut(user, added)
    return ['done', 'link', ref, n]
  }

  /** A device that is in the chain no more is no device of the user's either. */
  #shutOut(user: UserId, { before, after }: { readonly before: Chain; readonly after: Chain }): void {
    const stay = new Set(devicesOf(after))
    for (const device of devicesOf(before))
      if (!stay.has(device)) this.#context.router.tell(toUser(user), { is: 'remove', session: 0 as SessionRef, device })
  }

  async #prekeys({ user, device }: Asker, ref: string, bytes: Uint8Array): Promise<ServerFrame | ErrorCode> {
    const { store, realm } = this.#context
    const upload = parseUpload({ realm, user, device }, bytes)
    if (!upload) return 'bad_keys'
    const identity = bytesToHex(upload.identity)
    const chain = await this.#chains.fresh(user)
    if (chain.left.has(identity)) return 'bad_keys'
    if (!isMember(chain, identity)) {
      const others = (await store.shelves(user)).filter((other) => other !== identity && !isMember(chain, other))
      // One that was given up leaves nothing that says so: any makes room, and if it is still there it leaves its keys again.
      for (const other of others.slice(mostRequests - 1)) await store.dropShelf(user, other)
    }
    const left = await this.#shelves.fill(user, identity, upload)
    if (typeof left === 'number') return ['done', 'prekeys', ref, left]
    return left === 'too_many' ? 'list_full' : 'bad_keys'
  }

  async #claim(
    { user: by, device: own }: Asker,
    ref: string,
    chat: ChatId,
    user: UserId,
  ): Promise<ServerFrame | ErrorCode> {
    const { clock, swallows, tell } = this.#context
    const code = user === by ? undefined : await this.#refusal(by, chat, user)
    if (code && !(code === 'blocked' && swallows)) return code
    const { n, members } = await this.#chains.fresh(user)
    if (members.length === 0) return 'no_keys'
    const wantsOnce = !code && this.#claimsOfOne.take(`${by}\n${user}`, clock.monotonic())
    const isOther = ({ device }: { readonly device: string }) => user !== by || device !== own
    const claims = members.filter(isOther).map(async ({ identity, device }) => {
      const claimed = await this.#shelves.claim(user, bytesToHex(identity), wantsOnce)
      if (claimed?.left === low - 1 || claimed?.left === 0) tell(user, device as DeviceId, ['low', claimed.left])
      return claimed ? [claimed.bundle] : []
    })
    return ['bundles', ref, n, bundlesBytes((await Promise.all(claims)).flat())]
  }

  /** Why somebody may not have what another has left: members of a group may have each other's for that. */
  async #refusal(by: UserId, chat: ChatId, user: UserId): Promise<ErrorCode | undefined> {
    const { router } = this.#context
    if (!isGroup(chat))
      return user === chat ? turnsAway(await router.query(toUser(user), 'settings'), by) : 'not_a_member'
    const members = await this.#membersOf(chat)
    return members.has(by) && members.has(user) ? undefined : 'not_a_member'
  }

  /** Who writes to a group for the first time claims of all its members at once: they are asked for once. */
  #membersOf(group: GroupId): Promise<ReadonlySet<UserId>> {
    const asked =
      this.#asked.get(group) ??
      this.#context.router
        .query(toGroup(group), 'group')
        .then((known) => new Set(known?.members))
        .finally(() => this.#asked.delete(group))
    this.#asked.set(group, asked)
    return asked
  }

  /** Why a send may not go, or not as it is sealed: undefined is that it may. Undefined at once where nothing is to be asked. */
  check(from: UserId, [, , to, body, , media]: SendFrame): (() => Promise<ErrorCode | undefined>) | undefined {
    const { sealing, limits } = this.#context
    if (!isSealed(body)) return sealing === 'required' && !isGroup(to) ? async () => 'not_sealed' : undefined
    if (sealing === 'off') return async () => 'refused'
    if (media && (media.type !== anyType || media.preview)) return async () => 'not_sealed'
    const group = isGroup(to) ? groupIn(body, limits.idLength) : undefined
    const sent = group ?? sentIn(body, limits.idLength)
    if (!sent || (isGroup(to) && !group)) return async () => 'bad_frame'
    const [chains, one] = [this.#chains, sent as Sent]
    const known = group?.members.map(({ user, n }) => [user, n] as const) ?? [[to, one.theirs] as const]
    return async () => {
      const of = (user: UserId) => (group ? chains.recent(user) : chains.of(user))
      const all = [...known, [from, sent.mine] as const]
      const found = await Promise.all(all.map(([user]) => of(user))).catch(() => undefined)
      if (!found) return 'busy'
      if (found.some(({ n }) => n === 0)) return 'no_keys'
      return found.every(({ n }, at) => n === all[at]?.[1]) ? undefined : 'stale_devices'
    }
  }
}

const isMember = ({ members }: Chain, identity: string): boolean =>
  members.some((member) => bytesToHex(member.identity) === identity)

const devicesOf = (...chains: readonly Chain[]): Set<DeviceId> =>
  new Set(chains.flatMap(({ members }) => members.map(({ device }) => device as DeviceId)))

/** Identity keys, in hex, that are in one and not in the other. */
const joined = (before: Chain, after: Chain): string[] =>
  after.members.map(({ identity }) => bytesToHex(identity)).filter((identity) => !isMember(before, identity))
