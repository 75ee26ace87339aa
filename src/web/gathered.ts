/** Messages from before this browser was linked, of which each says no more than that: those of a day that follow each other are one line. Pure. */
import type { Line } from '../client/chats/index.ts'

/** By the ids of such lines: for how many the line stands, which is the last of them; 0: another stands for it. */
export function gathered(lines: readonly Line[]): Map<string, number> {
  const counts = new Map<string, number>()
  let last: Line | undefined
  for (const line of [...lines].reverse()) {
    if (!isFinal(line)) {
      last = undefined
      continue
    }
    const isWith = last !== undefined && dayOf(last) === dayOf(line)
    counts.set(line.id, isWith ? 0 : 1)
    if (isWith && last) counts.set(last.id, (counts.get(last.id) ?? 0) + 1)
    else last = line
  }
  return counts
}

const isFinal = ({ note }: Line): boolean =>
  note?.is === 'unread' && !note.retrying && (note.why === 'no_part' || note.why === 'not_kept')

const dayOf = ({ time }: Line): number => new Date(time).setHours(0, 0, 0, 0)

export const gatheredWords = (count: number): string =>
  `${count} messages cannot be read in this browser: they were sent before it was linked, or are not kept any more`
