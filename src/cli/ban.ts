/** Who may not connect to a running node. */
import { Misuse } from './misuse.ts'
import { askNode, operatorTable } from './operator.ts'
import { readOptions } from './options.ts'
import type { Option } from './values.ts'

export const table = operatorTable

export async function ban(args: string[]): Promise<void> {
  const usage = 'bluetick ban USER [options]: ends the sessions of a user of a running node, and lets them in no more.'
  const asked = aboutUser(usage, table, args)
  if (!asked) return
  await askNode(asked.values, 'ban', { user: asked.user })
  console.log(`${asked.user} is banned. bluetick unban ${asked.user} lets them in again.`)
}

export async function unban(args: string[]): Promise<void> {
  const asked = aboutUser('bluetick unban USER [options]: lets a user in again who was banned.', table, args)
  if (!asked) return
  const answer = await askNode(asked.values, 'unban', { user: asked.user })
  console.log(`${asked.user} ${answer?.['was'] ? 'may connect again' : 'was not banned'}.`)
}

export async function bans(args: string[]): Promise<void> {
  const usage = 'bluetick bans [options]: lists who may not connect to a running node, one in each line.'
  const read = readOptions(usage, table, args)
  if (!read) return
  const { bans } = (await askNode(read.values, 'bans')) ?? {}
  for (const user of bans as string[]) console.log(user)
}

/** Options, and the user whom a command is about. */
export function aboutUser<Name extends string>(usage: string, table: Readonly<Record<Name, Option>>, args: string[]) {
  const read = readOptions(usage, table, args, 1)
  if (!read) return undefined
  const [user] = read.rest
  if (!user) throw new Misuse(`whom? ${usage.split(' [')[0]}`)
  return { values: read.values, user }
}
