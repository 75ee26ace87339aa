/** Whoever has all of a server with its own files: see compromise.ts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../ports.ts'
import { filesOf, inspected, Server, story, within } from './compromise.ts'

it('finds no text, no picture and no private key in its files, its memory, its logs, its wires, or what operators are told; and all that was not sealed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-compromised-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  const server = await Server.start(['--port', String(port), '--data', folder])
  onTestFinished(() => server.kill())
  const found = await story(server, `ws://127.0.0.1:${port}`)
  const told = inspected(folder, port, found.ids)
  await server.kill()
  const [text, picture] = found.shown
  expect(new Set(within(filesOf(folder), found))).toEqual(new Set([text, picture]))
  expect(within(found.wire, found)).toEqual([text])
  expect(within([server.printed, told], found)).toEqual([])
}, 180_000)
