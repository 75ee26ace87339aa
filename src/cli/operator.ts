/** The token that operators show to a node. A node that is given none makes one at each start, in its data folder. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { adminPath, type OperationName, operations, pathFields } from '../operations/admin.ts'
import type { Log } from './log.ts'
import { Misuse } from './misuse.ts'
import { readSecret, rereading } from './secret.ts'
import type { Option } from './values.ts'

const tokenFile = (data: string): string => join(data, 'operator-token')

/** How a command finds the node, and its token. */
export const operatorTable = {
  url: { text: 'the running node', value: 'URL', default: 'http://127.0.0.1:8080', env: 'BLUETICK_URL' },
  data: {
    text: 'data folder of the node, where its token is',
    value: 'FOLDER',
    default: './data',
    env: 'BLUETICK_DATA',
  },
  'operator-token-file': {
    text: 'file with the token, where the node was given one',
    value: 'FILE',
    default: '',
    env: 'BLUETICK_OPERATOR_TOKEN_FILE',
  },
} satisfies Record<string, Option>

type Values = Record<keyof typeof operatorTable, string>

/** The token in a file that the node was given. */
export const tokenIn = (path: string, log: Log): Promise<() => string> =>
  rereading(path, readToken, 'operator token', 'the former operator token opens nothing from now on.', log)

async function readToken(path: string): Promise<string> {
  const token = await readSecret(path)
  if (token === '') throw new Misuse(`there is no token in ${path}`)
  return token
}

export const newToken = (): string => randomBytes(32).toString('hex')

/** Only the owner of the file may read it. Call it when the folder is this process's: a second node must not write over it. */
export async function keepToken(data: string, token: string): Promise<string> {
  const path = tokenFile(data)
  const fresh = `${path}.${process.pid}`
  await writeFile(fresh, `${token}\n`, { mode: 0o600 })
  await rename(fresh, path)
  return path
}

type Answered = Readonly<Record<string, unknown>>

/** Asks a running node as an operator. Answers undefined where it knows nothing of that. */
export async function askNode(
  values: Values,
  name: OperationName,
  given: Answered = {},
): Promise<Answered | undefined> {
  return (await answerOf(values, name, given))?.json() as Promise<Answered | undefined>
}

/** What it answers, as it comes. */
export async function streamFrom(
  values: Values,
  name: OperationName,
  given: Answered,
): Promise<AsyncIterable<Uint8Array>> {
  return (await answerOf(values, name, given))?.body ?? nothing()
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function answerOf(values: Values, name: OperationName, given: Answered): Promise<Response | undefined> {
  const { method, path } = operations[name]
  const token = await tokenOf(values)
  const others = { ...given }
  for (const field of pathFields(path)) delete others[field]
  const hasBody = method === 'POST' || method === 'PUT'
  const headers: Record<string, string> = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(hasBody && { 'content-type': 'application/json' }),
  }
  const at = path.replace(/\{(\w+)\}/g, (_, field: string) => encodeURIComponent(String(given[field])))
  const query = hasBody ? '' : `?${new URLSearchParams(others as Record<string, string>)}`
  const asked = `${values.url.replace(/^ws/, 'http')}${adminPath}${at}${query}`
  const response = await fetch(asked, { method, headers, ...(hasBody && { body: JSON.stringify(others) }) }).catch(
    (cause) => {
      const isSlow = (cause as { cause?: { code?: string } }).cause?.code === 'UND_ERR_HEADERS_TIMEOUT'
      throw new Error(
        isSlow
          ? `the node at ${values.url} takes long, and goes on with it: ask again`
          : `no node answers at ${values.url}; name another with --url`,
        { cause },
      )
    },
  )
  if (response.status === 404) return undefined
  if (response.status === 403)
    throw new Error(
      `the node at ${values.url} wants its operator token, which is in its data folder (--data) unless it was given one (--operator-token-file)`,
    )
  if (!response.ok) throw new Error(String(((await response.json()) as Answered)['text']))
  return response
}

async function tokenOf(values: Values): Promise<string | undefined> {
  const path = values['operator-token-file'] || tokenFile(values.data)
  if (!values['operator-token-file'] && !existsSync(path)) return undefined
  return readSecret(path)
}
