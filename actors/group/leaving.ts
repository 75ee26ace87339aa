/** A group whose shard is given up. */
import { isUnsaved, isWriting } from '../log/state.ts'
import type { GroupMessage, GroupState, GroupTimer } from './types.ts'

/**
 * What it has to count, or to save, it does at once, and waits for that. For the answers to its copies it does not wait: members may be in shards
 * that are given up, too, and would wait for this one. The next owner hands them out again.
 */
export function leave(state: GroupState): 'waits' | 'goes' | { readonly tell: readonly GroupMessage[] } {
  const { log, timers, dirty, recording, changing } = state
  const due: GroupTimer[] = []
  if (timers.has('ticks')) due.push('ticks')
  if (dirty && recording === 0) due.push('record')
  if (isUnsaved(log)) due.push('save')
  if (due.length > 0) return { tell: due.map((timer) => ({ is: 'timer', timer })) }
  return isWriting(log) || recording > 0 || changing !== 0 ? 'waits' : 'goes'
}
