import type { Millis, UserId } from '../../protocol/ids.ts'
import type { Settings } from '../../protocol/settings.ts'
import type { BanStore, PresenceStore, SettingsStore } from '../contract.ts'

export function presence(): PresenceStore {
  const seen = new Map<UserId, Millis>()
  return {
    lastSeen: async (user) => seen.get(user),
    async saveLastSeen(users) {
      for (const [user, at] of users) seen.set(user, at)
    },
  }
}

export function preferences(): SettingsStore {
  const saved = new Map<UserId, Settings>()
  return {
    settings: async (user) => saved.get(user),
    async saveSettings(user, settings) {
      saved.set(user, structuredClone(settings))
    },
  }
}

export function bans(): BanStore {
  const banned = new Set<UserId>()
  return {
    bans: async () => [...banned],
    async saveBan(user, ban) {
      if (ban) banned.add(user)
      else banned.delete(user)
    },
  }
}
