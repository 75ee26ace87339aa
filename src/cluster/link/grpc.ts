/** Streams between nodes, over gRPC: one call that stays open both ways, whose messages are bytes. The one file that knows the package. */
import { readFile } from 'node:fs/promises'
import type {
  ChannelCredentials,
  ChannelOptions,
  ClientDuplexStream,
  ServerCredentials,
  ServerDuplexStream,
} from '@grpc/grpc-js'
import type { Wire } from './link.ts'

/** Files in PEM: the cluster's own authority, and this node's certificate, which is for the host under which others reach it. */
export type LinkTls = { readonly ca: string; readonly cert: string; readonly key: string }

/** What comes of a stream; `wire` is what goes into it. */
export type WireEvents = { received(batch: Uint8Array): void; drained(): void; ended(why: string): void }
export type Serving = { readonly port: number; close(): void }

type Bytes = Buffer<ArrayBufferLike>
type Stream = ClientDuplexStream<Bytes, Bytes> | ServerDuplexStream<Bytes, Bytes>

const path = '/bluetick.Link/Exchange'
const asIs = (bytes: Bytes): Bytes => bytes
const options: ChannelOptions = {
  // Its buffer for them grows without bound on a stream that lives for days.
  'grpc.enable_retries': 0,
  // Links are dialed again by whoever keeps them.
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A connection whose other end hangs is given up, with what it holds.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
}

/** Loaded when a link is first needed: it takes some 0.1 s and 10 MB, which one node alone is spared. */
const grpc = () => import('@grpc/grpc-js')

async function clientCredentials(tls: LinkTls | null): Promise<ChannelCredentials> {
  const { credentials } = await grpc()
  if (!tls) return credentials.createInsecure()
  const [ca, cert, key] = await Promise.all([readFile(tls.ca), readFile(tls.cert), readFile(tls.key)])
  return credentials.createSsl(ca, key, cert)
}

async function serverCredentials(tls: LinkTls | null): Promise<ServerCredentials> {
  const { ServerCredentials } = await grpc()
  if (!tls) return ServerCredentials.createInsecure()
  const [ca, cert, key] = await Promise.all([readFile(tls.ca), readFile(tls.cert), readFile(tls.key)])
  return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], true)
}

/** `cut`: without waiting for what is under way. A server has nothing for that, but its connection is given up, too. */
function wireOf(stream: Stream, cut: () => void): Wire {
  return {
    write: (batch) => stream.write(Buffer.from(batch.buffer, batch.byteOffset, batch.length)),
    end: () => void stream.end(),
    cut,
  }
}

function listen(stream: Stream, events: WireEvents): void {
  let over = false
  const ended = (why: string) => {
    if (!over) events.ended(why)
    over = true
  }
  stream.on('data', (batch: Bytes) => events.received(batch))
  stream.on('drain', () => events.drained())
  stream.on('error', ({ message }: Error) => ended(message))
  for (const event of ['end', 'close', 'cancelled']) stream.on(event, () => ended('it closed the link'))
}

/** Dials "host:port". What comes of it comes later, also where nobody is there. */
export async function dial(address: string, tls: LinkTls | null, opened: (wire: Wire) => WireEvents): Promise<void> {
  const { Client } = await grpc()
  const client = new Client(address, await clientCredentials(tls), options)
  const stream = client.makeBidiStreamRequest(path, asIs, asIs)
  const wire = wireOf(stream, () => {
    stream.cancel()
    client.close()
  })
  const events = opened(wire)
  listen(stream, {
    ...events,
    ended(why) {
      client.close()
      events.ended(why)
    },
  })
}

/** Listens for the dials of others. Rejects where the port cannot be had. */
export async function serve(
  host: string,
  port: number,
  tls: LinkTls | null,
  opened: (wire: Wire) => WireEvents,
): Promise<Serving> {
  const { Server } = await grpc()
  const server = new Server(options)
  const exchange = {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  }
  server.addService(
    { exchange },
    {
      exchange: (stream: ServerDuplexStream<Bytes, Bytes>) =>
        listen(stream, opened(wireOf(stream, () => stream.end()))),
    },
  )
  const credentials = await serverCredentials(tls)
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host.includes(':') ? `[${host}]` : host}:${port}`, credentials, (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  )
  return { port: bound, close: () => server.forceShutdown() }
}
