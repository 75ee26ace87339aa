/** What a frame says of the user's settings. */
import type { ServerFrame } from '../../protocol/frames.ts'
import type { UserId } from '../../protocol/ids.ts'
import type { Lifetime } from '../../protocol/lifetime.ts'
import type { Settings, Tags } from '../types.ts'

/** Came since this device asked, or since it or another one changed them. */
export function settingsOf(frame: Extract<ServerFrame, readonly ['settings', ...unknown[]]>): Settings {
  const [, lastSeen, writers, receipts, blocked, contacts, lifetimes, groups = 'everyone', tags = ''] = frame
  const chats = lines(lifetimes).map((line) => line.split('\t') as [string, Lifetime])
  // The line without a user is of the chats that are not listed.
  const [lifetime = 'default'] = chats.flatMap(([chat, lifetime]) => (chat === '' ? [lifetime] : []))
  const choices = { lastSeen, writers, groups, receipts, blocked: lines(blocked), contacts: lines(contacts) }
  const changed = new Map(chats.filter(([chat]) => chat !== ''))
  return { ...choices, lifetime, lifetimes: changed, tags: new Map(lines(tags).map(tagged)) }
}

const lines = (text: string) => text.split('\n').filter(Boolean) as UserId[]

function tagged(line: string): [string, Tags] {
  const [chat = ''] = line.split('\t', 1)
  return [chat, tagsOf(line.slice(chat.length + 1))]
}

/** With a tab between two. */
export const tagsOf = (tags: string): Tags => Object.fromEntries(tags.split('\t').filter(Boolean).map(tagOf))

function tagOf(tag: string): [string, string | number] {
  const at = tag.indexOf('=')
  const [word, value] = [tag.slice(0, at), tag.slice(at + 1)]
  return [word, /^(muted|pinned|archived)$/.test(word) ? Number(value) : value]
}
