/** Changes of the devices of a user, by one of them: another is let in by its code, or shut out. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Chain, Member } from '../../protocol/keys/chain.ts'
import { hasAsked } from '../../protocol/keys/link.ts'
import { systemClock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import { codeIn } from './code.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { memberNamed } from './pins.ts'

type Wanted = Pick<Parameters<Engine['own']['link']>[3], 'add' | 'remove'>

/** Lets the device in that shows this code. One of the same name goes: it has lost its keys. */
export function approve(engine: Engine, line: Line, text: string): Promise<void> {
  const code = codeIn(text)
  const { realm, user } = engine
  if (!code || !hasAsked({ realm, user: code.user }, code))
    throw new UsageError('bad_code', 'this is not the code of a device')
  if (code.user !== user) throw new UsageError('bad_code', `this device is of ${code.user}, and not of ${user}`)
  const { secret, user: _, ...addition } = code
  return change(
    engine,
    line,
    ({ members }) => {
      if (members.some((member) => isSame(member, code))) return undefined
      const before = members.find(({ device }) => device === code.device)
      return { add: [addition], remove: before ? [before.identity] : [] }
    },
    secret,
  )
}

/** Shuts a device out: nothing is sealed for it any more, and the server ends its session. */
export function remove(engine: Engine, line: Line, device: string): Promise<void> {
  return change(engine, line, (chain) => {
    const member = memberNamed(chain, device)
    if (!member) throw new UsageError('unknown_device', `no device of ${engine.user} that has keys is called ${device}`)
    return { add: [], remove: [member.identity] }
  })
}

/** The identity of this device is over, and all that was sealed with it: it begins with another, as a new device does. */
export async function anew(engine: Engine): Promise<void> {
  const { own, peers, pins, sealed, user, vault } = engine
  const primitives = await engine.primitives()
  await engine.alone(async () => {
    const set = await own.anew(primitives, systemClock.now())
    pins.forget(user)
    for (const id of [...sealed.keys()]) vault.set(engine.keepSealed(id, undefined))
    const gone = peers.forget()
    vault.set(gone.set, gone.after)
    vault.set(set)
  })
}

/** Makes the next link; made anew where another device was first. `wants` undefined: there is nothing to change any more. */
async function change(
  engine: Engine,
  line: Line,
  wants: (chain: Chain) => Wanted | undefined,
  secret?: Uint8Array,
): Promise<void> {
  const { own, pins, user, me } = engine
  for (let last = 0; ; ) {
    const { chain } = await pins.fresh(line, user)
    if (!own.isIn(chain, engine.device)) throw new UsageError('unlinked', 'this device is not linked itself')
    const wanted = wants(chain)
    if (!wanted) break
    // A server that shows no other links than before lies about there being some.
    if (chain.n === last) throw new UsageError('stale_links', 'the server does not take this link')
    last = chain.n
    const link = own.link(me, chain, systemClock.now(), { kind: 'change', ...wanted }, secret)
    const answer = await line.ask(['link', line.ref(), link])
    if (answer[0] === 'error' && answer[1] !== 'stale_links')
      throw new UsageError(answer[1], `the server does not take this link (${answer[1]})`)
    if (answer[0] === 'done') {
      await pins.fresh(line, user)
      break
    }
  }
  await engine.vault.flush()
}

const isSame = (one: Pick<Member, 'identity'>, other: Pick<Member, 'identity'>): boolean =>
  bytesToHex(one.identity) === bytesToHex(other.identity)
