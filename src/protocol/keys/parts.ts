/** What is in a sealed body: as a device sends it, as an inbox keeps it, and as one device of the inbox gets it. */
import { concatBytes } from '@noble/hashes/utils.js'
import { type DeviceId, isId } from '../ids.ts'
import { isQuiet, isSealed, isSealedChange, sealedKinds, sealedMark, valueIn } from '../sealed.ts'
import { framed, uint32At, unframed } from './bytes.ts'

/** For one device; `type`: 1 for one that begins a pairing, 2 for a later one. */
export type DevicePart = { readonly device: DeviceId; readonly type: number; readonly bytes: Uint8Array }

/** What it is (sealed.ts). `quiet`: said by a device, and not by a person. `value`: of a change. */
export type Kind = { readonly quiet?: boolean; readonly value?: string }

/** As it is sent. `theirs`, `mine`: the number of the last link of both users that the sender knows: whoever is told of a later one seals anew. */
export type Sent = Kind & {
  readonly theirs: number
  readonly mine: number
  readonly parts: readonly DevicePart[]
  /** For the other devices of the sender. */
  readonly own: readonly DevicePart[]
}
/** As an inbox keeps it: what a device of somebody has written for the devices of its owner. `shared`: what they read with what is in the parts. */
export type Kept = Kind & {
  readonly from: DeviceId
  readonly parts: readonly DevicePart[]
  readonly shared?: Uint8Array | undefined
}
/** As a device gets it. `part` undefined: there is none for it. */
export type Told = {
  readonly from: DeviceId
  readonly part: Omit<DevicePart, 'device'> | undefined
  readonly shared?: Uint8Array | undefined
}

/** The first field of a body, after the value of a change. The last two are in group.ts. */
export const forms = { sent: 1, kept: 2, told: 3, group: 4, posted: 5 } as const
/** Devices of one user in one message. */
const most = 64

export function body({ quiet, value }: Kind, ...fields: Parameters<typeof framed>[0]): Uint8Array {
  const kind = value === undefined ? (quiet ? sealedKinds.quiet : sealedKinds.message) : sealedKinds.change
  const all = value === undefined ? fields : [value, ...fields]
  return concatBytes(Uint8Array.from([...sealedMark, kind]), framed(all))
}

export const kindOf = (bytes: Uint8Array): Kind =>
  isSealedChange(bytes) ? { value: String(valueIn(bytes)) } : { quiet: isQuiet(bytes) }

export const listOf = (parts: readonly DevicePart[]): Uint8Array =>
  framed(parts.flatMap(({ device, type, bytes }) => [device, type, bytes]))

export const sentBody = ({ theirs, mine, parts, own, ...kind }: Sent): Uint8Array =>
  body(kind, forms.sent, theirs, mine, listOf(parts), listOf(own))

export const keptBody = ({ from, parts, shared, ...kind }: Kept): Uint8Array =>
  body(kind, forms.kept, from, listOf(parts), ...(shared ? [shared] : []))

/** undefined: not such a body, or not well formed. */
export function sentIn(bytes: Uint8Array, idLength: number): Sent | undefined {
  const [theirs, mine, their, my, ...more] = fieldsOf(bytes, forms.sent) ?? []
  if (theirs?.length !== 4 || mine?.length !== 4 || !their || !my || more.length > 0) return undefined
  const [parts, own] = [partsIn(their, idLength), partsIn(my, idLength)]
  return parts && own && { theirs: uint32At(theirs, 0), mine: uint32At(mine, 0), parts, own, ...kindOf(bytes) }
}

/** What a device of the inbox gets of a body that it keeps. */
export function toldTo(kept: Uint8Array, device: DeviceId): Uint8Array {
  const [from, list, shared] = fieldsOf(kept, forms.kept) ?? []
  const part = list && partsIn(list, Number.MAX_SAFE_INTEGER)?.find((part) => part.device === device)
  const given = part ? [part.type, part.bytes, ...(shared ? [shared] : [])] : []
  return body(kindOf(kept), forms.told, textIn(from), ...given)
}

export function toldIn(bytes: Uint8Array): Told | undefined {
  const [from, type, part, shared, ...more] = fieldsOf(bytes, forms.told) ?? []
  if (!from || more.length > 0) return undefined
  if (!type) return { from: textIn(from) as DeviceId, part: undefined }
  if (type.length !== 4 || !part) return undefined
  return { from: textIn(from) as DeviceId, part: { type: uint32At(type, 0), bytes: part }, shared }
}

/** What comes after the form; undefined: it has another. */
export function fieldsOf(bytes: Uint8Array, form: number): Uint8Array[] | undefined {
  if (!isSealed(bytes)) return undefined
  const fields = unframed(bytes.subarray(sealedMark.length + 1)) ?? []
  const [first, ...rest] = isSealedChange(bytes) ? fields.slice(1) : fields
  return first?.length === 4 && uint32At(first, 0) === form ? rest : undefined
}

export function partsIn(list: Uint8Array, idLength: number): DevicePart[] | undefined {
  const fields = unframed(list)
  if (!fields || fields.length % 3 !== 0 || fields.length > 3 * most) return undefined
  const parts: DevicePart[] = []
  for (let at = 0; at < fields.length; at += 3) {
    const [name, type, bytes] = fields.slice(at, at + 3)
    const device = textIn(name)
    if (type?.length !== 4 || !bytes || !isId(device, idLength)) return undefined
    parts.push({ device: device as DeviceId, type: uint32At(type, 0), bytes })
  }
  return new Set(parts.map(({ device }) => device)).size === parts.length ? parts : undefined
}

export const textIn = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)
