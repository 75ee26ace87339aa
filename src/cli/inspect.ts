import { Misuse } from './misuse.ts'
import { askNode, operatorTable } from './operator.ts'
import { readOptions } from './options.ts'
import type { Option } from './values.ts'

export const table = {
  message: { text: 'id of a message, instead of a user', value: 'ID', default: '', env: 'BLUETICK_MESSAGE' },
  ...operatorTable,
} satisfies Record<string, Option>

type Step = { readonly step: string; readonly at: number | null; readonly text: string }

export async function inspect(args: string[]): Promise<void> {
  const read = readOptions(
    'bluetick inspect [USER | --message ID]: asks a running node; without a user, for its counters.',
    table,
    args,
    1,
  )
  if (!read) return
  const { values, rest } = read
  const { message } = values
  if (message && rest[0]) throw new Misuse('a user or --message, not both')
  const [user] = rest
  const answer = await (message
    ? askNode(values, 'message', { message })
    : user
      ? askNode(values, 'user', { user })
      : askNode(values, 'stats'))
  if (answer === undefined) throw new Error(`the node knows nothing of ${rest[0] ?? message}`)
  if (!message) return console.log(JSON.stringify(answer, null, 2))
  const steps = answer['steps'] as Step[]
  if (steps.length === 0) throw new Error(`no message ${message} within the last day`)
  for (const { step, at, text } of steps)
    console.log(`${step.padEnd(10)} ${at ? new Date(at).toISOString() : ''.padEnd(24)} ${text}`)
}
