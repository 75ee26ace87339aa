/** Entries as the embedded store keeps them: those of one append, and of one day, in one row. */
import type { Body, MessageId, UserId } from '../protocol/ids.ts'
import { type Item, Packer } from '../protocol/pack.ts'
import { unpackFrames } from '../protocol/unpack.ts'
import type { Appended, Entry } from './contract.ts'

const [message, copy, receipt, seen] = [1, 2, 3, 4]
const packer = new Packer()

/** A row with these entries, which must follow each other. What only some have (media, a place in a group) comes last, by name. */
export function packRow(entries: readonly Entry[]): Uint8Array {
  for (const entry of entries) {
    const [items, more] = fields(entry)
    const some = Object.keys(more).length > 0
    packer.frame(items.length + (some ? 1 : 0))
    for (const item of items) packer.item(item)
    if (some) packer.item(more)
  }
  return packer.take()
}

type More = { readonly [name: string]: Item }

function fields(entry: Entry): [Item[], More] {
  switch (entry.is) {
    case 'message': {
      const { is, seq, time, id, from, body, ...more } = entry
      return [[message, seq, time, id, from, body], more]
    }
    case 'copy': {
      const { is, seq, time, id, to, body, at, ...more } = entry
      return [[copy, seq, time, id, to, body, at.epoch, at.seq], more]
    }
    case 'receipt': {
      const { is, seq, time, peer, epoch, delivered, read, ...more } = entry
      return [[receipt, seq, time, peer, epoch, delivered, read], more]
    }
    case 'seen': {
      const { is, seq, time, chat, upTo, ...more } = entry
      return [[seen, seq, time, chat, upTo], more]
    }
  }
}

export function unpackRow(row: Uint8Array): Entry[] {
  return unpackFrames(row).map((frame) => {
    const [kind, seq, time, ...rest] = frame as [number, number, number, ...unknown[]]
    if (kind === message) {
      const [id, from, body, more] = rest as [MessageId, UserId, Body, object?]
      return { is: 'message', seq, time, id, from, body, ...more }
    }
    if (kind === copy) {
      const [id, to, body, epoch, position, more] = rest as [MessageId, UserId, Body, number, number, object?]
      return { is: 'copy', seq, time, id, to, body, at: { epoch, seq: position }, ...more }
    }
    if (kind === seen) {
      const [chat, upTo, more] = rest as [UserId, number, object?]
      return { is: 'seen', seq, time, chat, upTo, ...more }
    }
    const [peer, epoch, delivered, read, more] = rest as [UserId, number, number, number, object?]
    return { is: 'receipt', seq, time, peer, epoch, delivered, read, ...more }
  })
}

/** What an append was answered, for the table of repeats. */
export function packAppended({ seq, time }: Appended): Uint8Array {
  packer.frame(2)
  packer.number(seq)
  packer.number(time)
  return packer.take()
}

export function unpackAppended(row: Uint8Array): Appended {
  const [seq, time] = unpackFrames(row)[0] as [number, number]
  return { seq, time }
}
