/** A service that is told of events: an HTTP server that verifies them by the library of the Standard Webhooks. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { onTestFinished } from 'vitest'

export const secretOf = (letter: string): string => `whsec_${Buffer.from(letter.repeat(32)).toString('base64')}`
export const secret = secretOf('s')

export type Event = { readonly id: string; readonly type: string; readonly data: Readonly<Record<string, unknown>> }

/** Each when it came first. */
export function first(events: readonly Event[]): readonly Event[] {
  const ids = new Set<string>()
  return events.filter(({ id }) => !ids.has(id) && ids.add(id))
}

/** What was told of messages to a user or a group, in its order. */
export const bodiesTo = ({ of }: { of(type: string): readonly Event[] }, to: string): readonly unknown[] =>
  first(of('message.accepted'))
    .filter(({ data }) => data['to'] === to)
    .map(({ data }) => data['body'])

/** `at`: a port; default any that is free. `answer`: what each request gets, once it is verified: a status, or JSON; default 204. */
export async function receiver(answer: (event: Event, response: ServerResponse) => unknown = () => undefined, at = 0) {
  const taken: Event[] = []
  const wrong: unknown[] = []
  let server: Server | undefined
  let port = at
  let key = secret
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request)
    try {
      const { type, data } = new Webhook(key).verify(body, request.headers as Record<string, string>) as Event
      const event = { id: String(request.headers['webhook-id']), type, data }
      const status = await answer(event, response)
      if (typeof status === 'number') return void response.writeHead(status).end()
      taken.push(event)
      if (typeof status === 'object') return void response.writeHead(200).end(JSON.stringify(status))
      response.writeHead(204).end()
    } catch (error) {
      wrong.push(error)
      response.writeHead(401).end()
    }
  }
  const start = async () => {
    server = createServer((request, response) => void handle(request, response).catch(() => undefined))
    await once(server.listen(port, '127.0.0.1'), 'listening')
    port = (server.address() as { port: number }).port
  }
  const kill = async () => {
    const ending = server
    server = undefined
    if (!ending) return
    ending.closeAllConnections()
    await new Promise((resolve) => ending.close(resolve))
  }
  await start()
  onTestFinished(kill)
  return {
    taken,
    wrong,
    start,
    kill,
    trust(other: string) {
      key = other
    },
    url: `http://127.0.0.1:${port}/hooks`,
    of: (type: string) => taken.filter((event) => event.type === type),
  }
}
