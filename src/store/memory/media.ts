import type { Millis } from '../../protocol/ids.ts'
import type { MediaId } from '../../protocol/media.ts'
import type { MediaRecords, MediaRow } from '../contract.ts'

export function mediaRecords(): MediaRecords {
  const rows = new Map<MediaId, MediaRow>()
  const holds = new Map<string, { holder: string; id: MediaId; until: Millis }>()
  const litter = new Map<string, MediaId>()
  const isAs = ({ id, file, going }: MediaRow) => {
    const found = rows.get(id)
    return found?.file === file && found.going === going
  }
  const starting = (prefix: string) => [...holds.values()].filter(({ holder }) => holder.startsWith(prefix))
  return {
    find: async (id) => rows.get(id),
    async add(row) {
      const isNew = !rows.has(row.id)
      if (isNew) rows.set(row.id, row)
      return isNew
    },
    async mark(row, going) {
      const is = isAs(row)
      if (is) rows.set(row.id, { ...row, going })
      return is
    },
    async remove(row) {
      return isAs(row) && rows.delete(row.id)
    },
    page: async () => ({ rows: [...rows.values()], next: undefined }),
    async hold(id, holders, until) {
      for (const holder of holders) {
        const known = holds.get(`${holder} ${id}`)?.until ?? 0
        holds.set(`${holder} ${id}`, { holder, id, until: Math.max(known, until) })
      }
    },
    heldUntil: async (id) => Math.max(0, ...[...holds.values()].map((hold) => (hold.id === id ? hold.until : 0))),
    async *held(prefix) {
      for (const { holder, id } of starting(prefix)) yield { holder, id }
    },
    async *release(prefix, only, still) {
      const released = starting(prefix).filter(({ id }) => only === undefined || id === only)
      await still()
      // What is held anew meanwhile stays.
      for (const hold of released) {
        const key = `${hold.holder} ${hold.id}`
        if (holds.get(key) === hold) holds.delete(key)
      }
      yield released.map(({ id }) => id)
    },
    async noteLitter(file, id) {
      litter.set(file, id)
    },
    async forgetLitter(file) {
      litter.delete(file)
    },
    litter: async () => [...litter].map(([file, id]) => ({ file, id })),
  }
}
