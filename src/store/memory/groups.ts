import type { GroupId } from '../../protocol/ids.ts'
import type { GroupRecord, GroupStore, NoteStore } from '../contract.ts'

export function groups(): GroupStore {
  const saved = new Map<GroupId, GroupRecord>()
  return {
    loadGroup: async (group) => saved.get(group),
    async saveGroup(group, record) {
      saved.set(group, structuredClone(record))
    },
  }
}

export function notes(): NoteStore {
  const noted = new Map<string, { readonly group: GroupId; readonly term: number }>()
  return {
    async noteGroup(group, term) {
      noted.set(`${term} ${group}`, { group, term })
    },
    notedGroups: async () => [...noted.values()],
    async forgetGroup(group, term) {
      noted.delete(`${term} ${group}`)
    },
  }
}
