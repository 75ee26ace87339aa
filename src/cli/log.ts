/** What `serve` prints while it runs: lines for people, or JSON for machines. Never what users write, nor a token. */
import { type DestinationStream, type Level, type Logger, pino } from 'pino'
import { faultWords } from '../embed/faults.ts'
import type { Fault, NodeEvent } from '../index.ts'
import type { Option } from './values.ts'

export const logTable = {
  log: {
    text: 'text: lines for people; json: an object in each line, for what collects logs',
    default: 'text',
    env: 'BLUETICK_LOG',
    oneOf: ['text', 'json'],
  },
  'log-level': {
    text: 'the least that is printed; debug also tells who comes and goes',
    default: 'info',
    env: 'BLUETICK_LOG_LEVEL',
    oneOf: ['debug', 'info', 'warn', 'error'],
  },
} satisfies Record<string, Option>

type Values = Record<keyof typeof logTable, string>

/** So many lines of a kind in `pauseMs`; what comes besides is counted, and told with the next. */
const most = 10
const pauseMs = 10_000

export class Log {
  readonly #pino: Logger
  readonly #isJson: boolean
  readonly #kinds = new Map<string, { since: number; lines: number; skipped: number }>()

  constructor(values: Values, out: (line: string) => void = (line) => void process.stdout.write(line)) {
    this.#isJson = values.log === 'json'
    const stream: DestinationStream = { write: this.#isJson ? out : (line) => out(inText(line)) }
    const timestamp = pino.stdTimeFunctions.isoTime
    this.#pino = pino({ level: values['log-level'], base: null, timestamp, formatters: { level: named } }, stream)
  }

  /** What whoever starts the node, or signals it, waits to see: in text as it is, for machines the first line with `fields`. */
  say(text: string, fields: object = {}): void {
    if (this.#isJson) this.#pino.info(fields, text.split('\n')[0])
    else console.log(text)
  }

  /** As `say`, of what did not go well. */
  warn(text: string): void {
    if (this.#isJson) this.#pino.warn(text)
    else console.error(text)
  }

  event(event: NodeEvent): void {
    const { event: kind, ...fields } = event
    if (kind === 'entered' || kind === 'left') return this.#pino.debug(fields, kind)
    if (kind === 'operated' || kind === 'moved' || kind === 'became') return this.#pino.info(fields, kind)
    this.#sampled(kind === 'refused' ? 'info' : 'warn', kind, kind, fields)
  }

  fault({ where, error }: Fault): void {
    const level = where === 'origin' || where === 'clock' || where === 'cluster' ? 'warn' : 'error'
    const stack = error instanceof Error && this.#isJson ? { stack: error.stack } : {}
    this.#sampled(level, where, `${faultWords[where]}: ${error}`, { where, ...stack })
  }

  #sampled(level: Level, kind: string, text: string, fields: object): void {
    const now = performance.now()
    const known = this.#kinds.get(kind) ?? { since: now, lines: 0, skipped: 0 }
    this.#kinds.set(kind, known)
    if (now - known.since >= pauseMs) Object.assign(known, { since: now, lines: 0 })
    known.lines += 1
    if (known.lines > most) {
      known.skipped += 1
      return
    }
    const skipped = known.skipped > 0 ? { skipped: known.skipped } : {}
    known.skipped = 0
    this.#pino[level]({ ...fields, ...skipped }, text)
  }
}

const named = (level: string) => ({ level })

function inText(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line)
  const told = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
  // Names and origins are chosen by strangers: a terminal obeys none of them.
  return `${time} ${level} ${msg.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ')}${told.join('')}\n`
}
