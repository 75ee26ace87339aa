/** What is in a sealed body: as a device sends it, as an inbox keeps it, and as one device of the inbox gets it. */
import { concatBytes } from '@noble/hashes/utils.js'
import { type DeviceId, isId } from '../ids.ts'
import { isQuiet, isSealed, sealedMark } from '../sealed.ts'
import { framed, uint32At, unframed } from './bytes.ts'

/** For one device; `type`: 1 for one that begins a pairing, 2 for a later one. */
export type DevicePart = { readonly device: DeviceId; readonly type: number; readonly bytes: Uint8Array }

/** As it is sent. `theirs`, `mine`: the number of the last link of both users that the sender knows: whoever is told of a later one seals anew. */
export type Sent = {
  readonly theirs: number
  readonly mine: number
  readonly parts: readonly DevicePart[]
  /** For the other devices of the sender. */
  readonly own: readonly DevicePart[]
  /** Said by a device, and not by a person (sealed.ts). */
  readonly quiet?: boolean
}
/** As an inbox keeps it: what a device of somebody has written for the devices of its owner. */
export type Kept = { readonly from: DeviceId; readonly parts: readonly DevicePart[]; readonly quiet?: boolean }
/** As a device gets it. `part` undefined: there is none for it. */
export type Told = {
  readonly from: DeviceId
  readonly part: Omit<DevicePart, 'device'> | undefined
  readonly quiet?: boolean
}

const forms = { sent: 1, kept: 2, told: 3 } as const
/** Devices of one user in one message. */
const most = 64

const body = (quiet: boolean | undefined, ...fields: Parameters<typeof framed>[0]): Uint8Array =>
  concatBytes(Uint8Array.from([...sealedMark, quiet ? 2 : 1]), framed(fields))

const listOf = (parts: readonly DevicePart[]): Uint8Array =>
  framed(parts.flatMap(({ device, type, bytes }) => [device, type, bytes]))

export const sentBody = ({ theirs, mine, parts, own, quiet }: Sent): Uint8Array =>
  body(quiet, forms.sent, theirs, mine, listOf(parts), listOf(own))

export const keptBody = ({ from, parts, quiet }: Kept): Uint8Array => body(quiet, forms.kept, from, listOf(parts))

const toldBody = ({ from, part, quiet }: Told): Uint8Array =>
  part ? body(quiet, forms.told, from, part.type, part.bytes) : body(quiet, forms.told, from)

/** undefined: not such a body, or not well formed. */
export function sentIn(bytes: Uint8Array, idLength: number): Sent | undefined {
  const [theirs, mine, their, my, ...more] = fieldsOf(bytes, forms.sent) ?? []
  if (theirs?.length !== 4 || mine?.length !== 4 || !their || !my || more.length > 0) return undefined
  const [parts, own] = [partsIn(their, idLength), partsIn(my, idLength)]
  return parts && own && { theirs: uint32At(theirs, 0), mine: uint32At(mine, 0), parts, own, quiet: isQuiet(bytes) }
}

/** What a device of the inbox gets of a body that it keeps. */
export function toldTo(kept: Uint8Array, device: DeviceId): Uint8Array {
  const [from, list] = fieldsOf(kept, forms.kept) ?? []
  const part = list && partsIn(list, Number.MAX_SAFE_INTEGER)?.find((part) => part.device === device)
  return toldBody({ from: textIn(from) as DeviceId, part, quiet: isQuiet(kept) })
}

export function toldIn(bytes: Uint8Array): Told | undefined {
  const [from, type, part, ...more] = fieldsOf(bytes, forms.told) ?? []
  if (!from || more.length > 0) return undefined
  if (!type) return { from: textIn(from) as DeviceId, part: undefined }
  if (type.length !== 4 || !part) return undefined
  return { from: textIn(from) as DeviceId, part: { type: uint32At(type, 0), bytes: part } }
}

function fieldsOf(bytes: Uint8Array, form: number): Uint8Array[] | undefined {
  if (!isSealed(bytes)) return undefined
  const [first, ...fields] = unframed(bytes.subarray(sealedMark.length + 1)) ?? []
  return first?.length === 4 && uint32At(first, 0) === form ? fields : undefined
}

function partsIn(list: Uint8Array, idLength: number): DevicePart[] | undefined {
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

const textIn = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)
