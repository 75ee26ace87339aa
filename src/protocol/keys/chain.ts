/**
 * The devices of a user, as the chain of their links says. Whoever knows a link follows the rest from there, server and clients by
 * these same rules: so nobody adds a device but one that the user has, and nobody takes a link back.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import { hashOf, isGenuine, type Link, parseLink } from './link.ts'

/** Links that a chain can have. */
export const mostLinks = 512
/** Of these the last so many only remove devices, or begin anew: who is full can still shut out who was stolen. */
export const reservedLinks = 64

export type Member = { readonly device: string; readonly identity: Uint8Array; readonly suites: Uint8Array }

/** How far somebody has followed the chain of a user. */
export type Chain = {
  readonly realm: string
  readonly user: string
  readonly n: number
  /** Of the last link. */
  readonly hash: Uint8Array
  /** The oldest first: the first is the root, from which the safety number is made. Never empty once there is a link. */
  readonly members: readonly Member[]
  /** Identity keys of those that have left, in hex: they never come back. */
  readonly left: ReadonlySet<string>
}

/**
 * Why a link does not come next. `malformed`: no link, of another user, or not signed. `stale`: of another place in the chain. `fork`:
 * of this place, but after another link than the one that is known: somebody shows two chains. `refused`: it says what it may not.
 */
export type Wrong = 'malformed' | 'stale' | 'fork' | 'refused'

export const noLinks = (realm: string, user: string): Chain => ({
  realm,
  user,
  n: 0,
  hash: new Uint8Array(32),
  members: [],
  left: new Set(),
})

/** The chain with one link more. */
export const followed = (chain: Chain, bytes: Uint8Array): Chain | Wrong => next(chain, bytes, isGenuine)

/** The same, of a link that whoever asks has followed before, and kept: signatures are not checked again. */
export const recalled = (chain: Chain, bytes: Uint8Array): Chain | Wrong => next(chain, bytes, () => true)

function next(chain: Chain, bytes: Uint8Array, isSigned: typeof isGenuine): Chain | Wrong {
  const link = parseLink(bytes)
  if (!link || link.user !== chain.user) return 'malformed'
  if (link.n !== chain.n + 1) return 'stale'
  if (bytesToHex(link.previous) !== bytesToHex(chain.hash)) return 'fork'
  if (!isSigned(chain.realm, link)) return 'malformed'
  if (!isAllowed(chain, link)) return 'refused'
  const gone = link.kind === 'reset' ? chain.members.map(({ identity }) => identity) : link.remove
  const left = new Set([...chain.left, ...gone.map(bytesToHex)])
  const stay = chain.members.filter(({ identity }) => !left.has(bytesToHex(identity)))
  const added = link.add.map(({ device, identity, suites }) => ({ device, identity, suites }))
  return { ...chain, n: link.n, hash: hashOf(bytes), members: [...stay, ...added], left }
}

/** Whether two views cannot be of one chain. Of different lengths they may be: following the longer from the shorter says it. */
export const isFork = (mine: Pick<Chain, 'n' | 'hash'>, other: Pick<Chain, 'n' | 'hash'>): boolean =>
  mine.n === other.n && bytesToHex(mine.hash) !== bytesToHex(other.hash)

function isAllowed(chain: Chain, { kind, n, add, remove, by }: Link): boolean {
  if (n > mostLinks || (n > mostLinks - reservedLinks && kind === 'change' && add.length > 0)) return false
  const members = new Set(chain.members.map(({ identity }) => bytesToHex(identity)))
  const added = add.map(({ identity }) => bytesToHex(identity))
  const removed = new Set(remove.map(bytesToHex))
  const isNew = added.every((identity) => !members.has(identity) && !chain.left.has(identity) && !removed.has(identity))
  if (!isNew || new Set(added).size < added.length || removed.size < remove.length) return false
  if (kind !== 'change') return isAlone(chain, kind, added, removed, bytesToHex(by))
  const stay = chain.members.filter(({ identity }) => !removed.has(bytesToHex(identity)))
  const devices = [...stay, ...add].map(({ device }) => device)
  return (
    members.has(bytesToHex(by)) &&
    [...removed].every((identity) => members.has(identity)) &&
    added.length + removed.size > 0 &&
    devices.length > 0 &&
    new Set(devices).size === devices.length
  )
}

/** A first link, and a reset, is made by the one device that it adds. */
const isAlone = (
  chain: Chain,
  kind: 'first' | 'reset',
  added: readonly string[],
  removed: ReadonlySet<string>,
  by: string,
): boolean => (kind === 'first') === (chain.n === 0) && added.length === 1 && added[0] === by && removed.size === 0
