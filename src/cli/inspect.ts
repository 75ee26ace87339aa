import { type Option, readOptions } from './options.ts'
import { readSecret } from './secret.ts'

const table = {
  url: { text: 'the running node', default: 'http://127.0.0.1:8080', env: 'BLUETICK_URL' },
  message: { text: 'id of a message, instead of a user', default: '', env: 'BLUETICK_MESSAGE' },
  'inspect-token-file': { text: 'file with the token for operators', default: '', env: 'BLUETICK_INSPECT_TOKEN_FILE' },
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
  if (values.message && rest[0]) throw new Error('a user or --message, not both')
  const query = values.message ? { message: values.message } : { user: rest[0] ?? '' }
  const file = values['inspect-token-file']
  const headers: Record<string, string> = file
    ? { authorization: `Bearer ${new TextDecoder().decode(await readSecret(file))}` }
    : {}
  const asked = `${values.url.replace(/^ws/, 'http')}/inspect?${new URLSearchParams(query as Record<string, string>)}`
  const response = await fetch(asked, { headers }).catch((cause) => {
    throw new Error(`no node answers at ${values.url}; --url names another`, { cause })
  })
  if (response.status === 404) throw new Error(`the node knows nothing of ${rest[0] ?? values.message}`)
  if (!response.ok) throw new Error((await response.text()).trim())
  const answer: unknown = await response.json()
  if (!values.message) return console.log(JSON.stringify(answer, null, 2))
  const steps = answer as Step[]
  if (steps.length === 0) throw new Error(`no message ${values.message} within the last day`)
  for (const { step, at, text } of steps)
    console.log(`${step.padEnd(10)} ${at ? new Date(at).toISOString() : ''.padEnd(24)} ${text}`)
}
