/** A node ends as planned: it gives its shards, its sessions go, it marks itself dead, and is no member any more. */
import type { MemberState, MemberTurn } from './types.ts'
import { mark } from './watching.ts'

export function leave(state: MemberState, { at }: MemberTurn): void {
  if (state.phase === 'up') {
    state.phase = 'leaving'
    state.leavingSince = at.monotonic
  } else if (state.phase === 'joining') {
    // It may have joined already and not know: then those who watch it take it off the list.
    state.phase = 'left'
    state.emptied = true
  }
}

/** Its sessions have gone. What it did not give is free once it is dead, so from here on nothing that the store answers counts. */
export function closed(state: MemberState): void {
  if (state.phase !== 'leaving') return
  state.phase = 'left'
  state.spells.clear()
}

export function keepLeaving(state: MemberState, turn: MemberTurn): void {
  const { at, timings, effects } = turn
  const { life } = state.me
  if (state.phase === 'leaving' && !state.emptied) {
    const isListed = state.members.get(life)?.state === 'leaving'
    const nobody = isListed && state.plan.length === 0
    state.emptied =
      nobody || (isListed && state.spells.size === 0) || at.monotonic - state.leavingSince >= timings.emptyMs
    if (state.emptied) effects.push({ do: 'emptied' })
  }
  if (state.phase !== 'left' || !state.emptied) return
  mark(state, life, null, turn)
  if (!state.dead.has(life) || state.members.has(life)) return
  state.emptied = false
  effects.push({ do: 'left' })
}
