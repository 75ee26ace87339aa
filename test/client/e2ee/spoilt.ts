/** What a server says, as somebody on the way has changed it. */
import type { Transport } from '../../../src/client/transport.ts'
import { webSocketTransport } from '../../../src/client/websocket.ts'
import type { ServerFrame } from '../../../src/protocol/frames.ts'
import { jsonCodec } from '../../../src/protocol/json.ts'
import { isQuiet, isSealed } from '../../../src/protocol/sealed.ts'

/** One byte of what is sealed is another. `quiet`: also of what devices say to each other. */
export function spoilt(frame: ServerFrame, quiet = false): ServerFrame {
  if ((frame[0] !== 'message' && frame[0] !== 'copy') || !isSealed(frame[5])) return frame
  if (isQuiet(frame[5]) && !quiet) return frame
  const body = frame[5].slice()
  body[body.length - 1] = (body.at(-1) as number) ^ 1
  return Object.assign([...frame], { 5: body }) as unknown as ServerFrame
}

export const spoiltText = (data: string | Uint8Array): string | Uint8Array =>
  jsonCodec.encode((jsonCodec.decode(data) as ServerFrame[]).map((frame) => spoilt(frame)))

export type Changed = (frame: ServerFrame) => ServerFrame | undefined

/** What the server says, as somebody between changes it. */
export const through =
  (changed: Changed): Transport =>
  (at, subprotocol, events) =>
    webSocketTransport(at, subprotocol, {
      opened: () => events.opened(),
      lost: (...why) => events.lost(...why),
      heard: (data) => {
        const frames = (jsonCodec.decode(data) as ServerFrame[]).map(changed).filter((frame) => frame !== undefined)
        if (frames.length > 0) events.heard(jsonCodec.encode(frames))
      },
    })
