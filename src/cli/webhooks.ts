/** The service that is told what happens, and what it did not take. */
import { keysOf } from '../embed/webhooks.ts'
import { type DeadWebhook, httpAllow, httpAuthenticate, type NodeOptions, type WebhookEvent } from '../index.ts'
import type { Log } from './log.ts'
import { Misuse, meant } from './misuse.ts'
import { askNode, operatorTable } from './operator.ts'
import { readOptions } from './options.ts'
import { readSecret, rereading } from './secret.ts'
import { listed, type Option } from './values.ts'

export const webhookTable = {
  'webhook-url': {
    text: 'service that is told of events by POST, such as https://example.org/hooks; needs --webhook-secret-file',
    value: 'URL',
    default: '',
    env: 'BLUETICK_WEBHOOK_URL',
  },
  'authenticate-url': {
    text: 'service that is asked who a token stands for; needs --webhook-secret-file',
    value: 'URL',
    default: '',
    env: 'BLUETICK_AUTHENTICATE_URL',
  },
  'allow-url': {
    text: 'service that is asked about each send before it is delivered; needs --webhook-secret-file',
    value: 'URL',
    default: '',
    env: 'BLUETICK_ALLOW_URL',
  },
  'webhook-secret-file': {
    text: 'file with the secrets that sign requests to services, one in each line: whsec_ and the base64 of 24 to 64 bytes; all sign',
    value: 'FILE',
    default: '',
    env: 'BLUETICK_WEBHOOK_SECRET_FILE',
  },
  'webhook-events': {
    text: 'events that the service is told of, separated by commas',
    value: 'EVENTS',
    default: '',
    otherwise: 'all of docs/webhooks.md',
    env: 'BLUETICK_WEBHOOK_EVENTS',
  },
} satisfies Record<string, Option>

type Values = Record<keyof typeof webhookTable, string>
const urls = ['webhook-url', 'authenticate-url', 'allow-url'] as const

const makeSecret = (path: string): string => `(umask 077; echo "whsec_$(openssl rand -base64 32)" > ${path})`

async function readSecrets(path: string): Promise<readonly string[]> {
  const secrets = (await readSecret(path, makeSecret(path))).split(/\s*\n\s*/)
  try {
    keysOf(secrets)
  } catch (error) {
    throw new Misuse(`${path}: ${(error as Error).message}; make one with: ${makeSecret(path)}`)
  }
  return secrets
}

/** The secrets in a file, as it is now. */
const signing = (path: string, log: Log): Promise<() => readonly string[]> =>
  rereading(path, readSecrets, 'secret of webhooks', 'requests to services are signed by its secrets from now on.', log)

/** What is asked of services, and what they are told. */
export async function servicesOf(
  values: Values,
  log: Log,
): Promise<Pick<NodeOptions, 'webhooks' | 'authenticate' | 'allow'>> {
  const { 'webhook-secret-file': file, 'webhook-events': events } = values
  const [told, authenticate, allow] = urls.map((name) => values[name])
  const needs = urls.find((name) => values[name])
  if (!told && events) throw new Misuse('--webhook-events needs --webhook-url')
  if (!needs && file)
    throw new Misuse(`--webhook-secret-file needs one of ${urls.map((name) => `--${name}`).join(', ')}`)
  if (!needs) return {}
  if (!file) throw new Misuse(`--${needs} needs --webhook-secret-file; make one with: ${makeSecret('webhook-secret')}`)
  const secrets = await signing(file, log)
  return {
    ...(told && { webhooks: { url: told, secrets, ...(events && { events: listed(events) as WebhookEvent[] }) } }),
    ...(authenticate && { authenticate: httpAuthenticate({ url: authenticate, secrets }) }),
    ...(allow && { allow: httpAllow({ url: allow, secrets }) }),
  }
}

export const table = operatorTable

export async function webhooks(args: string[]): Promise<void> {
  const usage =
    'bluetick webhooks dead [options]: lists events that the service did not take, the latest first, as JSON.'
  const read = readOptions(usage, table, args, 1)
  if (!read) return
  const [what = ''] = read.rest
  if (what !== 'dead') throw new Misuse(`what? ${usage.split(' [')[0]}${meant(what, ['dead'])}`)
  const { dead } = (await askNode(read.values, 'dead-webhooks')) ?? {}
  for (const one of dead as readonly DeadWebhook[]) console.log(JSON.stringify(one))
}
