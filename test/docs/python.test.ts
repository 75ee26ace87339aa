/** The Python client of docs/writing-a-client.md, killed and restarted while it sends and receives, against a node that is killed too. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { needs } from '../skips.ts'
import { blocks } from './blocks.ts'

const folder = mkdtempSync(join(tmpdir(), 'bluetick-python-'))
const script = join(folder, 'client.py')
writeFileSync(script, blocks('docs/writing-a-client.md').find(({ language }) => language === 'python')?.code ?? '')
const port = await freePort()
const url = `ws://127.0.0.1:${port}`
const python = ['python3', '/usr/bin/python3'].find((path) => {
  try {
    return execFileSync(path, ['-c', 'import websocket, sqlite3'], { stdio: 'ignore' }) !== undefined
  } catch {
    return false
  }
}) as string

const running = new Set<ChildProcess>()
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})
function start(command: string, args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}
async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
const serve = () => start(process.execPath, ['dist/src/cli/main.js', 'serve', '--port', String(port), '--data', folder])
const enter = () => start(python, [script, url, 'bob', 'laptop', join(folder, 'bob.db')])
const rows = (query: string): string[][] =>
  JSON.parse(
    execFileSync(python, [
      '-c',
      `import json, sqlite3, sys; print(json.dumps(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()))`,
      join(folder, 'bob.db'),
      query,
    ]).toString(),
  )
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const library = needs('Python 3 with websocket-client', Boolean(python), 'apt-get install python3-websocket')

it('waits longer and longer for a host that answers nothing, which takes 10 s to find out', { ...library }, () => {
  const pauses = `
import client, queue
now, pauses = 0, []
def drop(*_, **options):
    global now
    now += options["timeout"] + 0.1
    raise TimeoutError
def sleep(seconds):
    pauses.append(seconds)
    if len(pauses) == 8:
        raise SystemExit(print(pauses))
client.websocket.create_connection, client.time.sleep = drop, sleep
client.time.monotonic, client.random.uniform = lambda: now, lambda *_: 1
client.Client("ws://127.0.0.1", "bob", "laptop", ":memory:", queue.Queue()).run()`
  const printed = execFileSync(python, ['-c', pauses], { cwd: folder, encoding: 'utf8' })
  expect(JSON.parse(printed)).toEqual([0.3, 0.5, 1, 2, 5, 10, 15, 15])
})

it('gets and sends everything once and in order', { ...library }, async () => {
  let node = serve()
  let bob = enter()
  const alice = connect({ url, token: 'Alice Lee' })
  const received: string[] = []
  const reading = (async () => {
    for await (const message of alice.messages()) {
      received.push(String(message.body))
      message.read()
    }
  })()
  const texts: string[] = []
  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 50; n++) {
      texts.push(`${round}.${n}`)
      await alice.queue('bob', texts.at(-1) as string)
      bob.stdin?.write(`Alice Lee\t${texts.at(-1)}\n`)
      await pause(Math.random() * 50)
    }
    await kill(bob)
    if (round % 2 === 0) {
      await kill(node)
      node = serve()
    }
    bob = enter()
  }
  await expect.poll(() => alice.outbox()).toEqual([])
  expect(rows('select body from inbox order by rowid').flat()).toEqual(texts)
  await expect.poll(() => rows("select body from outbox where state != 'read'")).toEqual([])
  const sent = rows('select body from outbox order by n').flat()
  expect(sent.length).toBeGreaterThan(20)
  expect(received).toEqual(sent)
  await alice.close()
  await reading
})
