/** Whether what is written in a chat can be read by the server, and why it can. */
import { isGroup } from '../../client/chats/index.ts'
import type { E2ee, GroupIdentity, UserIdentity } from '../../client/e2ee/types.ts'
import { isSealedGroup } from '../../protocol/sealed.ts'
import { names } from '../words.ts'

/** Somebody for whom nothing is encrypted before this person has compared the numbers, or has said that it may be. */
export type Held = { readonly user: string; readonly identity: UserIdentity }
type Why = 'self' | 'off' | 'unlinked' | 'theirs' | 'refused'
/** `off`: this person has not turned it on. `unlinked`: in this browser not. `theirs`: the other one has not. `refused`: the server does not take it. */
export type Secrecy =
  | { readonly is: 'sealed' | 'held'; readonly identity: UserIdentity }
  /** `held`: its members who are. */
  | { readonly is: 'group'; readonly group: GroupIdentity; readonly held: readonly Held[] }
  | { readonly is: 'open'; readonly why: 'group' }
  | { readonly is: 'open'; readonly why: Why }

/** `isFirst`: no device of this person has keys, as the server says. Waits for a connection. */
export async function secrecyOf(e2ee: E2ee, me: string, chat: string, isFirst: () => boolean): Promise<Secrecy> {
  if (isGroup(chat) && !isSealedGroup(chat)) return { is: 'open', why: 'group' }
  const place = await e2ee.place()
  if (place === 'refused') return { is: 'open', why: 'refused' }
  if (place !== 'linked') return { is: 'open', why: isFirst() ? 'off' : 'unlinked' }
  if (isSealedGroup(chat)) {
    const group = await e2ee.group(chat)
    return { is: 'group', group, held: await heldOf(e2ee, group.without) }
  }
  if (chat === me) return { is: 'open', why: 'self' }
  const identity = await e2ee.identity(chat).catch(() => undefined)
  if (!identity) return { is: 'open', why: 'theirs' }
  return { is: identity.waits ? 'held' : 'sealed', identity }
}

async function heldOf(e2ee: E2ee, users: readonly string[]): Promise<Held[]> {
  const found = await Promise.all(
    users.map((user) =>
      e2ee.identity(user).then(
        (identity) => (identity.waits ? [{ user, identity }] : []),
        (error: { code?: string }) => {
          if (error.code !== 'no_keys') throw error
          return []
        },
      ),
    ),
  )
  return found.flat()
}

/** In a few words, for the lock. */
export function lockWords(secrecy: Secrecy): string {
  if (secrecy.is === 'held') return 'Encrypted; messages wait'
  if (secrecy.is === 'open') return 'Not encrypted'
  if (secrecy.is === 'group') {
    const left = [...secrecy.group.without, ...secrecy.group.unsealed]
    return left.length > 0 ? `Encrypted, but not for ${names(left)}` : 'Encrypted'
  }
  return secrecy.identity.verified ? 'Encrypted and verified' : 'Encrypted'
}

/** Why a chat of two is not encrypted, as sentences. */
export function openWords(why: Why, who: string, required: boolean): string {
  switch (why) {
    case 'self':
      return 'A chat with yourself cannot be encrypted yet, so nothing can be sent here.'
    case 'off':
      return required
        ? 'This server takes only encrypted messages between two people. Turn on encryption to write.'
        : 'You have not turned on encryption, so whoever runs the server can read what is written here.'
    case 'unlinked':
      return 'This browser is not linked to your other devices: it cannot read your encrypted messages, and cannot send any.'
    case 'theirs':
      return required
        ? `${who} has not turned on encryption, and this server takes only encrypted messages between two people. Ask ${who} to turn it on.`
        : `${who} has not turned on encryption, so whoever runs the server can read what is written here. Once ${who} has, the lock closes by itself.`
    case 'refused':
      return 'This server takes no encrypted messages. To people who use encryption nothing is sent.'
  }
}

/** Who reads a group, and who does not. */
export function groupWords({ unsealed, without }: GroupIdentity, held: readonly Held[]): string {
  const keyless = without.filter((member) => !held.some(({ user }) => user === member))
  const left =
    keyless.length > 0 ? ` Nothing is encrypted for ${names(keyless)}: they have not turned on encryption.` : ''
  const added =
    unsealed.length > 0 ? ` The server has added ${names(unsealed)}, and no admin has: they get nothing.` : ''
  return `What is written in this group is encrypted on the devices of its members, and only they can read it.${left}${added}${held.map((one) => ` ${heldWords(one, true)}`).join('')}`
}

/** Why what is written waits; in a group it does not, and they get nothing of it. */
export function heldWords({ user, identity }: Held, isGroup: boolean): string {
  if (identity.forked)
    return `The server shows two versions of the devices of ${user}. Nothing is sent to ${user} any more: somebody may be trying to read along. Ask ${user} in another way, and whoever runs this server.`
  const words = `The devices of ${user} are not the ones you know.`
  return isGroup
    ? `${words} ${user} can read nothing of what you write here until you have compared the security number, or press “Send anyway”.`
    : `${words} What you write waits until you have compared the security number, or send it anyway.`
}
