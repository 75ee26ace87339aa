import type { Millis, UserId } from '../../protocol/ids.ts'
import type { Settings } from '../../protocol/settings.ts'
import type { BanStore, PresenceStore, SettingsStore } from '../contract.ts'

export function presence(seen: Map<UserId, Millis>): PresenceStore {
  return {
    lastSeen: async (user) => seen.get(user),
    async saveLastSeen(users) {
      for (const [user, at] of users)
        if (at > 0) seen.set(user, at)
        else seen.delete(user)
    },
  }
}

export function preferences(saved: Map<UserId, Settings>): SettingsStore {
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
