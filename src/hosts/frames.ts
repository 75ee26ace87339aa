import type { EntryFrame } from '../protocol/frames.ts'
import type { Entry } from '../store/contract.ts'

/** An entry as it is pushed. */
export function entryFrame(entry: Entry): EntryFrame {
  switch (entry.is) {
    case 'message':
      return ['message', entry.seq, entry.id, entry.from, entry.time, entry.body]
    case 'copy':
      return ['copy', entry.seq, entry.id, entry.to, entry.time, entry.body, entry.at.epoch, entry.at.seq]
    case 'receipt':
      return ['receipt', entry.seq, entry.peer, entry.epoch, entry.delivered, entry.read]
  }
}
