/** What a program says of the service that is to hear what happens. */
import { checkOptions, isListOf, isObjectWith, isText, type Rule } from '../protocol/options.ts'

/** What a service can be told of. */
export const webhookEvents = [
  'message.accepted',
  'message.delivered',
  'message.read',
  'message.waiting',
  'user.online',
  'user.offline',
] as const
export type WebhookEvent = (typeof webhookEvents)[number]

/** Secrets that sign; a function may answer others each time. All of them sign: whoever verifies needs one. */
export type SigningSecrets = readonly string[] | (() => readonly string[])

export type WebhookOptions = {
  /** Where events are posted. */
  readonly url: string
  /** Each `whsec_` and the base64 of 24 to 64 bytes, as the Standard Webhooks say. */
  readonly secrets: SigningSecrets
  /** Which events. Default: all. */
  readonly events?: readonly WebhookEvent[]
}

const rules: Record<keyof WebhookOptions, Rule> = {
  url: isText,
  secrets: {
    words: 'a list of secrets, or a function',
    fits: (value) => typeof value === 'function' || isListOf('secrets').fits(value),
  },
  events: isListOf(
    `events: ${webhookEvents.join(', ')}`,
    new RegExp(`^(${webhookEvents.join('|').replaceAll('.', '\\.')})$`),
  ),
}

export const areWebhooks: Rule = isObjectWith('an object with url and secrets')

/** Throws a TypeError or a RangeError for what cannot be. */
export function checkWebhooks(webhooks: WebhookOptions): void {
  checkOptions('webhooks', webhooks, rules, ['url', 'secrets'])
  checkUrl('webhooks.url', webhooks.url)
  keysOf(webhooks.secrets)
}

/** What a service is told, to be compared between nodes that should tell the same. */
export const described = ({ url, events = webhookEvents }: WebhookOptions): string =>
  `${url} of ${webhookEvents.filter((event) => events.includes(event)).join(', ')}`

export function checkUrl(name: string, url: string): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new RangeError(`${name} must be an http or https URL, not "${url}"`)
}

const prefix = 'whsec_'
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The keys of secrets. Throws a RangeError where one is none, or there is none at all. */
export function keysOf(secrets: SigningSecrets): readonly Buffer[] {
  const all = typeof secrets === 'function' ? secrets() : secrets
  if (all.length === 0) throw new RangeError('there is no secret to sign with')
  return all.map((secret, at) => {
    const text = secret.startsWith(prefix) ? secret.slice(prefix.length) : ''
    const key = Buffer.from(base64.test(text) ? text : '', 'base64')
    if (key.byteLength >= 24 && key.byteLength <= 64) return key
    throw new RangeError(`secret ${at + 1} must be ${prefix} and the base64 of 24 to 64 bytes`)
  })
}
