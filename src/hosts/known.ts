/** What can be asked of what a user's actor knows: by its state, or by the store where it is not present. */

import type { KnownInbox, UserKnows } from '../../actors/addresses.ts'
import { openSettings } from '../../actors/settings.ts'
import { readsOf } from '../../actors/user/chats.ts'
import type { UserState } from '../../actors/user/state.ts'
import type { UserId } from '../protocol/ids.ts'
import type { LogStore, SettingsStore } from '../store/contract.ts'

type Known = {
  readonly [What in keyof UserKnows]: (id: string, state: UserState | undefined) => Promise<UserKnows[What]>
}

export const known = (store: SettingsStore & LogStore): Known => ({
  settings: async (id, state) => state?.settings ?? (await store.settings(id as UserId)) ?? openSettings,
  sessions: async (_id, state) => state?.log.readers.flatMap(({ session }) => (session === 0 ? [] : [session])) ?? [],
  async reads(id, state) {
    // First: what is saved while the store answers is there no more.
    const unsaved = state ? [...readsOf(state)] : []
    return [...unsaved, ...(await store.reads(id as UserId))]
  },
  async inbox(id, state) {
    if (state) return inboxOf(state)
    const record = await store.load(id as UserId)
    if (!record) return undefined
    const away = { connected: false, unacknowledged: 0 }
    return {
      ...record,
      devices: record.cursors.map(({ device, seq, seenAt }) => ({ device, cursor: seq, seenAt, ...away })),
    }
  },
})

function inboxOf({ log: { epoch, tail, readers } }: UserState): KnownInbox {
  const known = readers.map(({ device, session, acked, seenAt, sizes }) => ({
    device,
    connected: session !== 0,
    cursor: acked,
    seenAt,
    unacknowledged: sizes?.length ?? 0,
  }))
  return { epoch, tail, devices: known }
}
