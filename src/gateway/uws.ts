/**
 * The one file that knows uWebSockets.js: the line that is built for Node 20 and 22, or the one for 24 and 26. The latter is
 * built for 22 too, but asks for glibc 2.38, which Debian 12 lacks.
 */
import { createRequire } from 'node:module'
import { majorOf, thisPlace, whyNot } from './runs.ts'

const uws = load(majorOf(process.versions) >= 24 ? 'uWebSockets.js-next' : 'uWebSockets.js')

export const { App, us_listen_socket_close: stopListening, us_socket_local_port: localPort } = uws
export type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket as ListenSocket,
  WebSocket,
} from 'uWebSockets.js'

function load(line: string): typeof import('uWebSockets.js') {
  try {
    return createRequire(import.meta.url)(line)
  } catch (cause) {
    throw new Error(whyNot(thisPlace()), { cause })
  }
}
