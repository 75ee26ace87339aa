/** What is in a sealed body: as a device sends it, as an inbox keeps it, and as one device of the inbox gets it. */
import { concatBytes } from '@noble/hashes/utils.js'
import { type DeviceId, isId } from '../ids.ts'
import { isQuiet, isSealed, isSealedChange, sealedKinds, sealedMark, valueEnd, valueIn } from '../sealed.ts'
import { compact, compactIn, framed, numberIn } from './bytes.ts'

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

/** The first byte of a body, after the value of a change. The last two are in group.ts. */
export const forms = { sent: 1, kept: 2, told: 3, group: 4, posted: 5 } as const
/** Devices of one user in one message. */
const most = 64
const any = Number.MAX_SAFE_INTEGER
const nothing = new Uint8Array(0)
const markBytes = sealedMark.length + 1

/** Names are said once, and lengths and numbers in as few bytes as they take: all of it is kept for each message. */
export function body({ quiet, value }: Kind, form: number, ...fields: Parameters<typeof compact>[0]): Uint8Array {
  const kind = value === undefined ? (quiet ? sealedKinds.quiet : sealedKinds.message) : sealedKinds.change
  const before = value === undefined ? nothing : framed([value])
  return concatBytes(Uint8Array.from([...sealedMark, kind]), before, Uint8Array.of(form), compact(fields))
}

export const kindOf = (bytes: Uint8Array): Kind =>
  isSealedChange(bytes) ? { value: String(valueIn(bytes)) } : { quiet: isQuiet(bytes) }

/** Of each the device, and its type before its bytes. */
export const listOf = (parts: readonly DevicePart[]): Uint8Array => compact(parts.flatMap(partFields))

const partFields = ({ device, type, bytes }: DevicePart) => [device, typed(type, bytes)]
const typed = (type: number, bytes: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(type), bytes)

export const sentBody = ({ theirs, mine, parts, own, ...kind }: Sent): Uint8Array =>
  body(kind, forms.sent, theirs, mine, listOf(parts), listOf(own))

export const keptBody = ({ from, parts, shared = nothing, ...kind }: Kept): Uint8Array =>
  body(kind, forms.kept, from, shared, ...parts.flatMap(partFields))

/** undefined: not such a body, or not well formed. */
export function sentIn(bytes: Uint8Array, idLength: number): Sent | undefined {
  const [their, my, theirList, myList, ...more] = fieldsOf(bytes, forms.sent) ?? []
  const [theirs, mine] = [numberIn(their), numberIn(my)]
  if (theirs === undefined || mine === undefined || !theirList || !myList || more.length > 0) return undefined
  const [parts, own] = [partsIn(theirList, idLength), partsIn(myList, idLength)]
  return parts && own && { theirs, mine, parts, own, ...kindOf(bytes) }
}

/** What a device of the inbox gets of a body that it keeps. */
export function toldTo(kept: Uint8Array, device: DeviceId): Uint8Array {
  const [from = nothing, shared = nothing, ...fields] = fieldsOf(kept, forms.kept) ?? []
  const part = partsOf(fields, any)?.find((part) => part.device === device)
  const given = part ? [typed(part.type, part.bytes), ...(shared.length > 0 ? [shared] : [])] : []
  return body(kindOf(kept), forms.told, from, ...given)
}

export function toldIn(bytes: Uint8Array): Told | undefined {
  const [name, part, shared, ...more] = fieldsOf(bytes, forms.told) ?? []
  if (!name || more.length > 0) return undefined
  const from = textIn(name) as DeviceId
  if (!part) return { from, part: undefined }
  const [type] = part
  return type === undefined ? undefined : { from, part: { type, bytes: part.subarray(1) }, shared }
}

/** What comes after the form; undefined: it has another. */
export function fieldsOf(bytes: Uint8Array, form: number): Uint8Array[] | undefined {
  if (!isSealed(bytes)) return undefined
  const at = isSealedChange(bytes) ? valueEnd(bytes) : markBytes
  return bytes[at] === form ? compactIn(bytes.subarray(at + 1)) : undefined
}

export function partsIn(list: Uint8Array, idLength: number): DevicePart[] | undefined {
  const fields = compactIn(list)
  return fields && partsOf(fields, idLength)
}

function partsOf(fields: readonly Uint8Array[], idLength: number): DevicePart[] | undefined {
  if (fields.length % 2 !== 0 || fields.length > 2 * most) return undefined
  const parts: DevicePart[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const [device, bytes = nothing] = [textIn(fields[at]), fields[at + 1]]
    const [type] = bytes
    if (type === undefined || !isId(device, idLength)) return undefined
    parts.push({ device: device as DeviceId, type, bytes: bytes.subarray(1) })
  }
  return new Set(parts.map(({ device }) => device)).size === parts.length ? parts : undefined
}

export const textIn = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)
