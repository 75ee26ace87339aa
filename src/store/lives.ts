/** In which lives a log was appended to: a short list, which errs towards telling a device that something may be missing. */
import type { Life } from './contract.ts'

/** Lives that a log remembers: starts of the node in which the log got something. */
export const remembered = 32

/** The list with a life that appends from `from` on, unless it is there. Of too many the oldest two become one: it begins with the earlier, and has the later term. */
export function began(lives: readonly Life[], { term, from }: Life): readonly Life[] {
  if (term <= (lives.at(-1)?.term ?? 0)) return lives
  const list = [...lives, { term, from }]
  if (list.length <= remembered) return list
  const [oldest, next, ...rest] = list as [Life, Life, ...Life[]]
  return [{ term: next.term, from: oldest.from }, ...rest]
}
