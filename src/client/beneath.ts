import type { Codec } from '../protocol/codec.ts'
import type { Storage } from './storage.ts'
import type { Transport } from './transport.ts'

/** What a client stands on. End-to-end encryption puts itself between. */
export type Beneath = { readonly storage: Storage; readonly codec: Codec; readonly transport: Transport }
