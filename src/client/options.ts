/** What a program may hand over: JavaScript, mistyped names, and environment variables that are not set pass the compiler. */
import { isMessageId } from '../protocol/ids.ts'
import { UsageError } from './errors.ts'
import type { TransferOptions } from './transfers.ts'
import type { ClientEvents, ConnectOptions, HistoryOptions, QueueOptions, SendOptions, Settings } from './types.ts'
import type { WaitOptions } from './waiting.ts'

type Fits = (value: unknown) => boolean
type Rules<Options> = { readonly [Name in keyof Options]-?: Fits }

const is =
  (...types: string[]): Fits =>
  (value) =>
    types.includes(typeof value)
const has =
  (name: string): Fits =>
  (value) =>
    typeof (value as Record<string, unknown> | null)?.[name] === 'function'
const isFrom0: Fits = (value) => typeof value === 'number' && value >= 0
const isAny: Fits = () => true

const waitOptions: Rules<WaitOptions> = { signal: has('addEventListener'), timeout: isFrom0 }
const queueOptions: Rules<QueueOptions> = {
  media: is('object'),
  change: is('string'),
  id: isMessageId,
}
const connectOptions: Rules<ConnectOptions> = {
  url: is('string'),
  token: is('string', 'function'),
  device: is('string'),
  storage: has('load'),
  codec: has('encode'),
  background: is('boolean'),
  outboxMessages: isFrom0,
  outboxBytes: isFrom0,
  transport: is('function'),
  e2ee: has('around'),
}
const sendOptions: Rules<SendOptions> = { ...queueOptions, ...waitOptions }
const historyOptions: Rules<HistoryOptions> = { before: is('object'), limit: isFrom0, ...waitOptions }
const transferOptions: Rules<TransferOptions> = { to: is('string'), onProgress: is('function'), ...waitOptions }
const settings: Rules<Pick<Settings, 'lastSeen' | 'writers' | 'groups' | 'receipts'>> = {
  lastSeen: isAny,
  writers: isAny,
  groups: isAny,
  receipts: isAny,
}

/** By what takes them: the options that there are. */
export const optionsOf = {
  connect: connectOptions,
  queue: queueOptions,
  send: sendOptions,
  history: historyOptions,
  'upload and download': transferOptions,
  set: settings,
  'a call': waitOptions,
}

/** Of a client. */
export const events: Record<keyof ClientEvents, true> = {
  message: true,
  placed: true,
  connection: true,
  settings: true,
  gap: true,
  gone: true,
  arrived: true,
  typing: true,
  seen: true,
  refused: true,
}

/** Throws a UsageError that names an option which there is not, or which cannot be so. One that is undefined is not given. */
export function checkOptions(of: keyof typeof optionsOf, given: object): void {
  const rules: Record<string, Fits> = optionsOf[of]
  for (const [name, value] of Object.entries(given ?? {})) {
    const fits = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (!fits) throw bad(`${of} has no option ${name}; it has ${Object.keys(rules).join(', ')}`)
    if (value !== undefined && !fits(value)) throw bad(`the option ${name} of ${of} cannot be ${String(value)}`)
  }
}

/** Throws a UsageError for what could never connect. */
export function checkConnect(options: ConnectOptions): void {
  checkOptions('connect', options)
  if (!isAddress(options.url)) throw new UsageError('bad_url', 'url must be ws:// or wss://')
  checkText('bad_id', options.device)
  if (options.token === undefined) throw bad('connect needs a token, or a function that makes one')
}

/** Throws a UsageError for an event that there is not. */
export function checkListener(name: string, listener: unknown): void {
  if (!Object.hasOwn(events, name)) throw bad(`there is no event ${name}; there are ${Object.keys(events).join(', ')}`)
  if (typeof listener !== 'function') throw bad(`who listens to ${name} must be a function`)
}

/** Throws a UsageError for text with half of a character: its bytes would be another text. The flag `u` makes it see only halves. */
export function checkText(code: 'bad_body' | 'bad_id', ...texts: readonly unknown[]): void {
  for (const text of texts)
    if (typeof text === 'string' && /[\ud800-\udfff]/u.test(text))
      throw new UsageError(code, 'half of a character (a lone surrogate) cannot be sent')
}

const bad = (text: string): UsageError => new UsageError('bad_option', text)

/** What the platform's WebSocket takes; it throws at the rest, which a try to connect is too late for. */
function isAddress(url: string): boolean {
  try {
    const { protocol, hash } = new URL(url)
    return /^wss?:$/.test(protocol) && !hash
  } catch {
    return false
  }
}
