import type { GroupId, UserId } from '../../src/protocol/ids.ts'

/** The group of the world. */
export const team = '#team' as UserId & GroupId
