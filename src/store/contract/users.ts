/** What is kept of a user besides the inbox. */
import type { Millis, UserId } from '../../protocol/ids.ts'
import type { Settings } from '../../protocol/settings.ts'

/** When users were last seen. */
export interface PresenceStore {
  /** When the user was last seen, in milliseconds since 1970; undefined: never. */
  lastSeen(user: UserId): Promise<Millis | undefined>
  /**
   * Replaces when users were last seen; 0: never, as far as is known. Many in one write, where the store can. Durable when it resolves;
   * after a rejection each may be saved or not.
   */
  saveLastSeen(seen: ReadonlyMap<UserId, Millis>): Promise<void>
}

/** What users have decided. */
export interface SettingsStore {
  /** What the user has set; undefined: nothing yet. */
  settings(user: UserId): Promise<Settings | undefined>
  /** Replaces the user's settings. Durable when it resolves; may be repeated after a rejection. */
  saveSettings(user: UserId, settings: Settings): Promise<void>
}

/** Whom operators keep out. */
export interface BanStore {
  /** Users who may not connect, in any order. */
  bans(): Promise<readonly UserId[]>
  /** Bans a user, or lets them in again. Durable when it resolves; may be repeated after a rejection. */
  saveBan(user: UserId, banned: boolean): Promise<void>
}
