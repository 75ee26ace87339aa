/** Who a user is, for the person who looks at it. */
import { parseLink } from '../../protocol/keys/link.ts'
import { UsageError } from '../errors.ts'
import { cardText, check } from './card.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { safetyNumber } from './number.ts'
import { rootOf, waits } from './pins.ts'
import type { UserIdentity } from './types.ts'

/** Asks the server where nothing is known. Rejects with a UsageError where there are no keys. */
export async function identityOf(engine: Engine, line: Line, user: string): Promise<UserIdentity> {
  const { pins, user: me, realm, shown } = engine
  const [theirs, mine] = [await pins.known(line, user), await pins.known(line, me)]
  const [root, own] = [theirs.chain.members[0], mine.chain.members[0]]
  if (!root || !own) throw new UsageError('no_keys', `${root ? me : user} has no keys`)
  const roots = [
    { user: me, identity: own.identity },
    { user, identity: root.identity },
  ] as const
  const identity: UserIdentity = {
    // 60 ms: only where somebody looks at it.
    get safetyNumber() {
      return safetyNumber(realm, ...roots)
    },
    get card() {
      return cardText(digitsOf(identity.safetyNumber), theirs.chain, mine.chain)
    },
    verified: theirs.verified === rootOf(theirs.chain),
    devices: theirs.chain.members.map(({ device }) => device),
    waits: waits(theirs),
    forked: theirs.forked === true,
  }
  shown.set(identity, theirs)
  return identity
}

/** `seen`: the digits, or the card of the other one. Rejects with a UsageError where they are others. */
export async function verify(engine: Engine, line: Line, user: string, seen: string): Promise<void> {
  const identity = await identityOf(engine, line, user)
  const digits = digitsOf(identity.safetyNumber)
  if (/[a-z]/.test(seen)) await check(engine, line, user, seen, digits)
  else if (digitsOf(seen) !== digits) throw new UsageError('other_number', 'the numbers differ')
  const { pins, shown, vault } = engine
  const [pin, was] = [pins.of(user), shown.get(identity)]
  if (pin && was) pins.keep(user, { ...pin, verified: rootOf(was.chain) })
  await vault.flush()
}

/**
 * The person has said yes to a user's devices. `seen`: as they were shown: what has come since is not accepted, where it begins anew. Default:
 * as they are now. What is not what `identityOf` has answered of that user is no yes.
 */
export async function accept({ pins, shown, vault }: Engine, user: string, seen?: UserIdentity): Promise<void> {
  const pin = pins.of(user)
  if (!pin) return
  const was = seen ? shown.get(seen) : pin
  if (was?.chain.user !== user) throw new UsageError('bad_option', `this is not what identity('${user}') has answered`)
  let accepted = Math.max(pin.accepted, was.chain.n)
  while (accepted < pin.chain.n && parseLink(pin.links[accepted] as Uint8Array)?.kind !== 'reset') accepted += 1
  pins.keep(user, { ...pin, accepted, told: pin.told === was.told ? undefined : pin.told })
  await vault.flush()
}

const digitsOf = (number: string): string => number.replace(/\D/g, '')
