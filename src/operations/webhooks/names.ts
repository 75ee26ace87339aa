/** How outboxes are called: as no user and no group can be, since no id holds a tab. */
import type { UserId } from '../../protocol/ids.ts'
import { hash } from '../../runtime/index.ts'

/** Never to be changed: what a user's events wait in is found by it. Several, so that nodes of a cluster can share them. */
const count = 8

const nameOf = (what: number | string): UserId => `outbox\t${what}` as UserId

export const outboxes: readonly UserId[] = Array.from({ length: count }, (_, at) => nameOf(at))
/** Whose events are in which. */
export const outboxOf = (owner: UserId): UserId => nameOf(hash(owner) % count)
/** What was given up, with why: a log that nobody reads to its end. */
export const deadLetters = nameOf('dead')
