import type { Carrier, Entry } from '../protocol/entry.ts'
import type { EntryFrame, ServerFrame } from '../protocol/frames.ts'
import type { UserId } from '../protocol/ids.ts'

/** Pushes entries; of those that are gone, each run is one frame. */
export function pushEntries(entries: readonly Entry[], push: (frame: EntryFrame) => void): void {
  let [first, last] = [0, 0]
  const pushRun = () => {
    if (first > 0) push(['gone', first, last])
    first = 0
  }
  for (const entry of entries) {
    if (entry.is === 'gone') {
      if (first === 0) first = entry.seq
      last = entry.seq
    } else {
      pushRun()
      push(entryFrame(entry))
    }
  }
  pushRun()
}

function entryFrame(entry: Exclude<Entry, { is: 'gone' }>): EntryFrame {
  switch (entry.is) {
    case 'message': {
      const { seq, id, from, time, body, media, place, lifetime, change } = entry
      const [carried, placed, stays] = [media ?? null, place ?? null, lifetime ?? null]
      if (change) return ['message', seq, id, from, time, body, carried, placed, stays, change]
      if (lifetime) return ['message', seq, id, from, time, body, carried, placed, lifetime]
      if (place) return ['message', seq, id, from, time, body, carried, place]
      return media ? ['message', seq, id, from, time, body, media] : ['message', seq, id, from, time, body]
    }
    case 'copy': {
      const { seq, id, to, time, body, at, media, lifetime, change } = entry
      const [carried, stays] = [media ?? null, lifetime ?? null]
      if (change) return ['copy', seq, id, to, time, body, at.epoch, at.seq, carried, stays, change]
      if (lifetime) return ['copy', seq, id, to, time, body, at.epoch, at.seq, carried, lifetime]
      return media
        ? ['copy', seq, id, to, time, body, at.epoch, at.seq, media]
        : ['copy', seq, id, to, time, body, at.epoch, at.seq]
    }
    case 'seen':
      return ['seen', entry.seq, entry.chat, entry.upTo]
    case 'receipt':
      return ['receipt', entry.seq, entry.peer, entry.epoch, entry.delivered, entry.read]
    case 'deleted':
      return ['deleted', entry.seq, entry.chat, entry.from, entry.upTo]
  }
}

/** A message of the history of `user`. */
export function pastFrame(ref: string, user: UserId, entry: Carrier): ServerFrame {
  const { seq, id, time, body } = entry
  const [media, change] = [entry.media ?? null, entry.change ?? null]
  if (entry.is === 'copy')
    return ['past', ref, seq, id, user, time, body, media, entry.at.epoch, entry.at.seq, null, change]
  return ['past', ref, seq, id, entry.from, time, body, media, 0, 0, entry.place ?? null, change]
}
