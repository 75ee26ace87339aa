/** Stands between the session and the server: for the session it is the server, and for the server the session. */
import type { Codec } from '../../protocol/codec.ts'
import type { ClientFrame, SendFrame, ServerFrame } from '../../protocol/frames.ts'
import type { Beneath } from '../beneath.ts'
import type { Connection, Transport, TransportEvents } from '../transport.ts'
import { Line } from './line.ts'

/** What is done with frames on their way. */
export type Between = {
  /** Before anything else of it: who is welcomed, and that this is the connection now. */
  readonly welcomed: (line: Line, welcome: Extract<ServerFrame, readonly ['welcome', ...unknown[]]>) => void
  /** What the session hears; undefined: nothing. Called in order; rejects when the connection is over. */
  readonly heard: (line: Line, frame: ServerFrame) => ServerFrame | undefined | Promise<ServerFrame>
  /** What is said of a send, at any time; or what it is answered with. */
  readonly sends: (line: Line, frame: SendFrame) => Promise<SendFrame | ServerFrame>
  /** Anything else that is said. */
  readonly says: (frame: ClientFrame) => void
  readonly low: (line: Line) => void
  /** The devices of this user are others. */
  readonly moved: (line: Line) => void
  readonly lost: (line: Line) => void
}

/** The session's frames come as they are: they are encoded here, when they are what they are to be. */
export function wired({ codec, transport }: Beneath, between: Between) {
  const asTheyAre = (frames: unknown) => frames
  return {
    codec: { ...codec, encode: asTheyAre, decode: asTheyAre } as Codec,
    transport: ((url, subprotocol, events) =>
      new Wired(codec, between, events).over(transport, url, subprotocol)) satisfies Transport,
  }
}

class Wired {
  readonly #codec: Codec
  readonly #between: Between
  readonly #events: TransportEvents
  readonly #line = new Line((frame) => this.#say(frame))
  #connection: Connection | undefined
  #hearing: Promise<void> = Promise.resolve()

  constructor(codec: Codec, between: Between, events: TransportEvents) {
    this.#codec = codec
    this.#between = between
    this.#events = events
  }

  over(transport: Transport, url: string, subprotocol: string): Connection {
    const connection = transport(url, subprotocol, {
      opened: () => this.#events.opened(),
      heard: (data) => this.#heard(data),
      lost: (code, why) => {
        this.#over()
        this.#events.lost(code, why)
      },
    })
    this.#connection = connection
    return {
      send: (frames) => this.#send(frames as unknown as readonly ClientFrame[]),
      close: (code, reason) => {
        this.#over()
        connection.close(code, reason)
      },
    }
  }

  #over(): void {
    this.#line.lost()
    this.#between.lost(this.#line)
  }

  #say(...frames: ClientFrame[]): void {
    if (this.#line.isOpen) this.#connection?.send(this.#codec.encode(frames))
  }

  #send(frames: readonly ClientFrame[]): void {
    const others = frames.filter((frame): frame is Exclude<ClientFrame, SendFrame> => frame[0] !== 'send')
    for (const frame of others) this.#between.says(frame)
    if (others.length > 0) this.#say(...others.map(asTaker))
    for (const frame of frames) if (frame[0] === 'send') void this.#sends(frame)
  }

  /** A connection that ends meanwhile takes it along: the session sends it again on the next. */
  async #sends(frame: SendFrame): Promise<void> {
    const said = await this.#between.sends(this.#line, frame).catch(() => this.#giveUp())
    if (!said) return
    if (said[0] === 'send') this.#say(said)
    else this.#tell([said])
  }

  #heard(data: string | Uint8Array): void {
    let frames: ServerFrame[]
    try {
      frames = this.#codec.decode(data) as ServerFrame[]
    } catch {
      return this.#connection?.close(4002, 'unreadable')
    }
    for (const frame of frames) {
      if (frame[0] === 'welcome') {
        this.#line.idLength = frame[8].idLength
        this.#between.welcomed(this.#line, frame)
      }
      if (frame[0] === 'low') this.#between.low(this.#line)
      if (isNews(frame)) this.#between.moved(this.#line)
    }
    const others = frames.filter((frame) => frame[0] !== 'low' && !isNews(frame) && !this.#line.hears(frame))
    this.#hearing = this.#hearing.then(() => this.#hear(others)).catch(() => this.#giveUp())
  }

  /** What goes on here did not end, though the connection goes on: code could not be loaded, say. It is done again with the next. */
  #giveUp(): undefined {
    if (this.#line.isOpen) this.#connection?.close(4002, 'unreadable')
  }

  async #hear(frames: readonly ServerFrame[]): Promise<void> {
    const heard: ServerFrame[] = []
    for (const frame of frames) {
      const next = this.#between.heard(this.#line, frame)
      const is = next instanceof Promise ? await next : next
      if (is) heard.push(is)
    }
    this.#tell(heard)
  }

  #tell(frames: readonly ServerFrame[]): void {
    if (this.#line.isOpen && frames.length > 0) this.#events.heard(frames as unknown as string)
  }
}

/** Unasked the server says how many links there are now, and tells none. */
const isNews = (frame: ServerFrame) => frame[0] === 'links' && frame[2] === 0

/** Who says hello takes sealed messages. */
function asTaker(frame: ClientFrame): ClientFrame {
  if (frame[0] !== 'hello') return frame
  const [kind, token, device, epoch, seq, background, life = 0, seen = 0] = frame
  return [kind, token, device, epoch, seq, background, life, seen, true]
}
