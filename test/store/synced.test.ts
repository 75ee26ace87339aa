/** A kill does not show that data is on the disk, since the cache outlives the process: the order of its system calls does. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { needs } from '../skips.ts'

const strace = spawnSync('strace', ['-V']).status === 0

describe('a message', needs('strace', strace, 'apt-get install strace'), () => {
  it('is written in full, to a file whose writes return when they are on the disk, before anybody is told that it is sent', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bluetick-synced-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const trace = join(folder, 'trace')
    const calls = ['-e', 'trace=openat,pwrite64,sendto', '-s', '4096', '-o', trace]
    const serve = ['dist/src/cli/main.js', 'serve', '--port', '0', '--data', join(folder, 'data')]
    const node = spawn('strace', ['-f', '-y', ...calls, process.execPath, ...serve])
    const exited = once(node, 'exit')
    let printed = ''
    node.stdout.on('data', (text) => {
      printed += text
    })
    await expect.poll(() => printed).toMatch(/ws:\S+/)
    // strace itself takes no signals; it ends with what it watches.
    const pid = Number(/\d+/.exec(readFileSync(join(folder, 'data', 'LOCK'), 'utf8')))
    const stop = () => void (node.exitCode === null && process.kill(pid))
    onTestFinished(stop)
    const socket = new WebSocket(/ws:\S+/.exec(printed)?.[0] as string, 'bluetick.v1.json')
    await once(socket, 'open')
    const heard = (kind: string) =>
      new Promise((resolve) => socket.on('message', (text) => String(text).includes(`["${kind}"`) && resolve(text)))
    const said = heard('sent')
    const live = heard('live')
    socket.send('["hello","alice"]')
    await live
    socket.send('["send","00000000-0000-7000-8000-000000000001","bob","the body of it"]')
    await said
    socket.close()
    stop()
    await exited
    // A call that others interrupt has two lines: what it was given, and what it answered.
    const lines = readFileSync(trace, 'utf8').split('\n')
    const begun = lines.findIndex((line) => line.includes('pwrite64(') && line.includes('the body of it'))
    const [, thread = '', file = '', rest = ''] = /^(\d+) +pwrite64\(\d+<(.*?)>, (.*)$/.exec(lines[begun] ?? '') ?? []
    expect(file).toMatch(/data\/journal\/\d+$/)
    const length = /, (\d+), \d+( <unfinished|\) *=)/.exec(rest)?.[1]
    const ended = rest.includes('<unfinished')
      ? lines.findIndex((line, at) => at > begun && line.startsWith(thread) && line.includes('pwrite64 resumed'))
      : begun
    expect(lines[ended]).toMatch(new RegExp(` = ${length}$`))
    const told = lines.findIndex((line) => line.includes('sendto(') && line.includes('\\"sent\\"'))
    expect(told).toBeGreaterThan(ended)
    // As a spare it was opened, and then it got its number.
    const opened = lines.filter((line) => line.includes('data/journal/spare'))
    expect(opened.join('\n')).toMatch(/openat\(.*data\/journal\/spare", O_RDWR\|O_CREAT\|O_DSYNC/)
  })
})
