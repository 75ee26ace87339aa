/** What a claim is answered with, as bytes: of each device what somebody needs to write to it while it is away. */
import { framed, uint32At, unframed } from './bytes.ts'
import type { Prekey, SignedPrekey } from './prekeys.ts'

/** `once`: a prekey that nobody else gets; without one the signed one is all there is. Who it is of is said by the chain, by its identity key. */
export type ServedBundle = {
  readonly identity: Uint8Array
  readonly signed: SignedPrekey
  readonly once: Prekey | undefined
}

const nothing = new Uint8Array(0)
const fieldsEach = 7

export const bundlesBytes = (bundles: readonly ServedBundle[]): Uint8Array =>
  framed(
    bundles.flatMap(({ identity, signed, once }) => [
      ...[identity, signed.number, signed.key, signed.suites, signed.signature],
      ...[once?.number ?? 0, once?.key ?? nothing],
    ]),
  )

/** undefined: not what `bundlesBytes` makes. What is signed in it is still to be checked. */
export function bundlesIn(bytes: Uint8Array): ServedBundle[] | undefined {
  const fields = unframed(bytes)
  if (!fields || fields.length % fieldsEach !== 0) return undefined
  const bundles: ServedBundle[] = []
  for (let at = 0; at < fields.length; at += fieldsEach) {
    const [identity, number, key, suites, signature, once, onceKey] = fields.slice(at, at + fieldsEach)
    if (!identity || number?.length !== 4 || !key || !suites || !signature || once?.length !== 4 || !onceKey)
      return undefined
    const signed = { number: uint32At(number, 0), key, suites, signature }
    const numbered = uint32At(once, 0)
    bundles.push({ identity, signed, once: numbered === 0 ? undefined : { number: numbered, key: onceKey } })
  }
  return bundles
}
