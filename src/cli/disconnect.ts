import { aboutUser } from './ban.ts'
import { askNode, operatorTable } from './operator.ts'
import type { Option } from './values.ts'

export const table = {
  device: { text: 'only the session of this device', value: 'DEVICE', default: '', env: 'BLUETICK_DEVICE' },
  ...operatorTable,
} satisfies Record<string, Option>

const usage = `bluetick disconnect USER [options]: ends the sessions of a user of a running node. Their clients come back, and show their
tokens anew.`

export async function disconnect(args: string[]): Promise<void> {
  const asked = aboutUser(usage, table, args)
  if (!asked) return
  const { device } = asked.values
  const answer = await askNode(asked.values, 'disconnect', { user: asked.user, ...(device && { device }) })
  const ended = answer?.['ended']
  const whose = `${asked.user}${device ? ` on ${device}` : ''}`
  if (ended === 0) return console.log(`${whose} was not connected.`)
  console.log(`Ended ${ended} ${ended === 1 ? 'session' : 'sessions'} of ${whose}.`)
}
