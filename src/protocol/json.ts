/** The JSON codec: one frame a line. Bytes travel as `{"base64": "..."}`. */
import type { Codec } from './codec.ts'
import type { Frame } from './frames.ts'
import { Behinds } from './shared.ts'

const behinds = new Behinds((items) => JSON.stringify(items, writeBytes).slice(1))

/** For clients that would rather be read than small: text messages. */
export const jsonCodec: Codec = {
  subprotocol: 'bluetick.v1.json',
  binary: false,
  encode: (frames) => frames.map(line).join('\n'),
  decode(data) {
    if (typeof data !== 'string') throw new TypeError('expected text')
    return data.split('\n').filter(Boolean).map(parseLine)
  },
}

function line(frame: Frame): string {
  const behind = behinds.of(frame)
  return behind === undefined ? JSON.stringify(frame, writeBytes) : `["message",${frame[1]},${behind}`
}

function parseLine(line: string): unknown {
  const frame: unknown = JSON.parse(line)
  return Array.isArray(frame) ? frame.map(readItem) : frame
}

/** An item of a frame is bytes, or may be a map that holds some. */
function readItem(item: unknown): unknown {
  const read = readBytes(item)
  if (typeof read !== 'object' || read === null || read instanceof Uint8Array || Array.isArray(read)) return read
  return Object.fromEntries(Object.entries(read).map(([key, value]) => [key, readBytes(value)]))
}

/** A replacer for JSON.stringify that carries bytes. It looks at the holder: of a Buffer, `value` is what its toJSON made. */
export function writeBytes(this: unknown, key: string, value: unknown): unknown {
  const held = (this as Record<string, unknown>)[key]
  return held instanceof Uint8Array ? { base64: toBase64(held) } : value
}

/** The value that `writeBytes` stood for. */
export function readBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('base64' in value)) return value
  if (typeof value.base64 !== 'string') throw new TypeError('base64 must be text')
  return Uint8Array.from(atob(value.base64), (char) => char.charCodeAt(0))
}

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}
