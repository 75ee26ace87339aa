import { aboutUser } from './ban.ts'
import { askNode, operatorTable } from './operator.ts'
import type { Option } from './options.ts'

export const table = {
  device: { text: 'only the session of this device', default: '', env: 'BLUETICK_DEVICE' },
  ...operatorTable,
} satisfies Record<string, Option>

const usage = `bluetick disconnect USER [options]: ends the sessions of a user of a running node. Their clients come back, and show their
tokens anew.`

export async function disconnect(args: string[]): Promise<void> {
  const asked = aboutUser(usage, table, args)
  if (!asked) return
  const { device } = asked.values
  await askNode(asked.values, 'POST /disconnect', { user: asked.user, ...(device && { device }) })
  console.log(`${asked.user}${device ? ` is disconnected on ${device}` : ' is disconnected'}.`)
}
