/** What an `add` means: who becomes a member, and who is asked first. So it stands in the group's log: these come after an empty line. */
import type { UserId } from '../../src/protocol/ids.ts'

export function addedBy(body: string): { readonly added: UserId[]; readonly invited: UserId[] } {
  const lines = body.split('\n') as UserId[]
  const end = lines.indexOf('' as UserId)
  return end === -1 ? { added: lines, invited: [] } : { added: lines.slice(0, end), invited: lines.slice(end + 1) }
}

export const addition = (added: readonly UserId[], invited: readonly UserId[]): string =>
  [...added, ...(invited.length > 0 ? ['', ...invited] : [])].join('\n')
