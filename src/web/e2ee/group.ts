/** Which groups are encrypted, and for whom of one nothing is. */
import type { E2ee } from '../../client/e2ee/types.ts'
import { sealedMembers } from '../../protocol/keys/group.ts'
import { isSealedGroup } from '../../protocol/sealed.ts'
import { names } from '../words.ts'

/** Why a group that is made of this person and these would not be encrypted, as sentences; empty: it would be, or nobody expects it. */
export async function notSealedWords(e2ee: E2ee, others: readonly string[], isFirst: () => boolean): Promise<string> {
  const place = await e2ee.place()
  if (place !== 'linked')
    return place === 'refused' || isFirst() ? '' : 'This browser is not linked to your other devices. Link it first.'
  if (others.length >= sealedMembers) return `A group of more than ${sealedMembers} people cannot be encrypted.`
  const without = await withoutKeys(e2ee, others)
  if (without.length === 0) return ''
  return `${names(without)} ${without.length === 1 ? 'has' : 'have'} not turned on encryption. Whoever runs the server can read what is written in a group that is not encrypted, and it stays so.`
}

/** Of a group that is not encrypted: what it would take. */
export async function plainGroupWords(e2ee: E2ee, members: readonly string[]): Promise<string> {
  const words =
    'This group is not encrypted: whoever runs the server can read what is written here. A group stays as it was made.'
  if (members.length > sealedMembers) return `${words} One of more than ${sealedMembers} people cannot be encrypted.`
  const without = (await e2ee.place()) === 'linked' ? await withoutKeys(e2ee, members) : []
  return without.length === 0
    ? `${words} To write encrypted, make a new one of people who have all turned on encryption.`
    : `${words} A new one can be encrypted once ${names(without)} ${without.length === 1 ? 'has' : 'have'} turned on encryption.`
}

/** Members of a group for whom nothing is encrypted there. */
export async function givenNothing(e2ee: E2ee, group: string): Promise<readonly string[]> {
  if (!isSealedGroup(group) || (await e2ee.place()) !== 'linked') return []
  const { unsealed, without } = await e2ee.group(group)
  return [...unsealed, ...without]
}

async function withoutKeys(e2ee: E2ee, users: readonly string[]): Promise<string[]> {
  const known = await Promise.all(
    users.map((user) =>
      e2ee.identity(user).then(
        () => true,
        ({ code }: { code?: string }) => code !== 'no_keys',
      ),
    ),
  )
  return users.filter((_, at) => !known[at])
}
