import type { EntryFrame } from '../protocol/frames.ts'
import type { Entry } from '../store/contract.ts'

/** An entry as it is pushed. */
export function entryFrame(entry: Entry): EntryFrame {
  switch (entry.is) {
    case 'message': {
      const { seq, id, from, time, body, media, place } = entry
      if (place) return ['message', seq, id, from, time, body, media ?? null, place]
      return media ? ['message', seq, id, from, time, body, media] : ['message', seq, id, from, time, body]
    }
    case 'copy': {
      const { seq, id, to, time, body, at, media } = entry
      return media
        ? ['copy', seq, id, to, time, body, at.epoch, at.seq, media]
        : ['copy', seq, id, to, time, body, at.epoch, at.seq]
    }
    case 'seen':
      return ['seen', entry.seq, entry.chat, entry.upTo]
    case 'receipt':
      return ['receipt', entry.seq, entry.peer, entry.epoch, entry.delivered, entry.read]
    case 'gone':
    case 'deleted':
      throw new Error('Protocol v1 has no frame for what has vanished yet.')
  }
}
