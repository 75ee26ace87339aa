import type { Codec } from './codec.ts'
import { jsonCodec } from './json.ts'
import { msgpackCodec } from './msgpack.ts'

/** Those that a node speaks. */
export const codecs: readonly Codec[] = [jsonCodec, msgpackCodec]

/** By its WebSocket subprotocol. */
export const codecOf = (name: string): Codec | undefined => codecs.find(({ subprotocol }) => subprotocol === name)
