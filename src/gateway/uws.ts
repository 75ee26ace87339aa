/** The one file that knows uWebSockets.js: the line that is built for Node 22, 24 and 26, or the one for 18 and 20. */
import { createRequire } from 'node:module'

const line = Number(process.versions.node.split('.')[0]) >= 22 ? 'uWebSockets.js-next' : 'uWebSockets.js'
const uws = createRequire(import.meta.url)(line) as typeof import('uWebSockets.js')

export const { App, us_listen_socket_close: stopListening, us_socket_local_port: localPort } = uws
export type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket as ListenSocket,
  WebSocket,
} from 'uWebSockets.js'
