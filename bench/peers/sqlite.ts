/**
 * Socket.IO 4 with a durable store, as its users write it: an insert before the ack, a query for what was missed, and the
 * recipient's ack as the receipt. All inserts of a turn of the event loop are one transaction, whose fsync comes before their
 * acks: one for each message, as its tutorial has it, holds a tenth of the rate. Arguments: CACHE PORT FOLDER ENGINE.
 */
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'

// Neither is a dependency of Bluetick: these are the parts of their types that are used.
type Statement = {
  get(...values: unknown[]): { id: number }
  all(...values: unknown[]): Missed[]
  run(...values: unknown[]): void
}
type Database = {
  pragma(text: string): void
  exec(text: string): void
  prepare(text: string): Statement
  transaction<Args extends unknown[]>(work: (...args: Args) => void): (...args: Args) => void
}
type Socket = {
  readonly handshake: { readonly auth: { readonly token: string } }
  emit(event: string, ...args: unknown[]): void
  on(
    event: 'send',
    handler: (to: string, id: string, body: string, ack: (at: number, time: number) => void) => void,
  ): void
  on(event: 'disconnect', handler: () => void): void
}
type Io = {
  on(event: 'connection', handler: (socket: Socket) => void): void
  attach(server: unknown): void
  attachApp(app: unknown): void
}
type Missed = {
  readonly id: number
  readonly client_id: string
  readonly sender: string
  readonly body: string
  readonly time: number
}
type Item = {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly body: string
  readonly time: number
}

const [cache = '', port = '', folder = '', engine] = process.argv.slice(2)
const load = createRequire(join(cache, 'here.js'))
const { Server } = load('socket.io') as { Server: new (options: object) => Io }
const database = new (load('better-sqlite3') as new (path: string) => Database)(join(folder, 'chat.db'))
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.exec(`CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, client_id TEXT UNIQUE, sender TEXT, recipient TEXT, body TEXT, time INTEGER);
CREATE INDEX inbox ON messages (recipient, id);
CREATE TABLE cursors (user TEXT PRIMARY KEY, up_to INTEGER);`)
const insert = database.prepare(
  'INSERT INTO messages (client_id, sender, recipient, body, time) VALUES (?, ?, ?, ?, ?) ON CONFLICT (client_id) DO UPDATE SET time = time RETURNING id',
)
const saveCursor = database.prepare(
  'INSERT INTO cursors VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET up_to = max(up_to, excluded.up_to)',
)
const missed = database.prepare(
  'SELECT id, client_id, sender, body, time FROM messages WHERE recipient = ? AND id > coalesce((SELECT up_to FROM cursors WHERE user = ?), 0) ORDER BY id',
)

const online = new Map<string, Socket>()
const cursors = new Map<string, number>()
let waiting: { readonly item: Item; readonly then: (at: number) => void }[] = []

const write = database.transaction((items: typeof waiting, at: number[]) => {
  for (const { item } of items) at.push(insert.get(item.id, item.from, item.to, item.body, item.time).id)
  for (const [user, upTo] of cursors) saveCursor.run(user, upTo)
})

function commit(): void {
  const items = waiting
  waiting = []
  const at: number[] = []
  write(items, at)
  cursors.clear()
  for (const [n, { then }] of items.entries()) then(at[n] as number)
}

function store(item: Item, then: (at: number) => void): void {
  if (waiting.length === 0) setImmediate(commit)
  waiting.push({ item, then })
}

function push(socket: Socket, to: string, at: number, { id, from, body, time }: Omit<Item, 'to'>): void {
  socket.emit('message', at, from, body, time, () => {
    cursors.set(to, at)
    online.get(from)?.emit('delivered', to, id)
  })
}

const io = new Server({ transports: ['websocket'], pingInterval: 25_000, serveClient: false })
io.on('connection', (socket) => {
  const user = socket.handshake.auth.token
  online.set(user, socket)
  socket.on('send', (to, id, body, ack) => {
    const item = { id, from: user, to, body, time: Date.now() }
    store(item, (at) => {
      ack(at, item.time)
      const peer = online.get(to)
      if (peer) push(peer, to, at, item)
    })
  })
  socket.on('disconnect', () => {
    if (online.get(user) === socket) online.delete(user)
  })
  for (const { id, client_id, sender, body, time } of missed.all(user, user))
    push(socket, user, id, { id: client_id, from: sender, body, time })
})
if (engine === 'uws') {
  const { App } = load('uWebSockets.js') as {
    App: () => { listen(host: string, port: number, then: () => void): void }
  }
  const app = App()
  io.attachApp(app)
  app.listen('127.0.0.1', Number(port), () => {})
} else {
  const server = createServer()
  io.attach(server)
  server.listen(Number(port), '127.0.0.1', 2_048)
}
