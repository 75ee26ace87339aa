/** `npm run cluster`, as somebody uses it who wants to see what happens. */
import { spawn } from 'node:child_process'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { oneNodeHere } from './here.ts'

describe('npm run cluster', oneNodeHere, () => {
  it('has a chat page at one address, over three nodes that one kills, starts and drains', async () => {
    const script = spawn(process.execPath, ['scripts/cluster.mjs', '--port', String(await freePort())])
    const ended = new Promise((resolve) => script.once('exit', resolve))
    onTestFinished(() => void script.kill('SIGKILL'))
    let said = ''
    for (const stream of [script.stdout, script.stderr])
      stream.on('data', (text) => {
        said += text
      })
    const says = (what: RegExp) => expect.poll(() => said, { timeout: 300_000 }).toMatch(what)
    const type = (line: string) => script.stdin.write(`${line}\n`)
    await says(/Type {2}kill n2/)
    const page = /page is at (\S+):/.exec(said)?.[1] ?? ''
    expect(await (await fetch(page)).text()).toContain('<title>')
    const [ann, bob] = ['ann', 'bob'].map((token) => connect({ url: page.replace('http', 'ws'), token }))
    const got = (async () => {
      const texts: unknown[] = []
      for await (const { body } of bob?.messages() ?? []) if (texts.push(body) === 3) return texts
      return texts
    })()
    await ann?.send('bob', 'one')
    type('kill n2')
    await says(/n2 has ended with SIGKILL/)
    await ann?.send('bob', 'two')
    type('start n2')
    await says(/n2 runs/)
    type('drain n1')
    await says(/n1 has ended with 0/)
    await ann?.send('bob', 'three')
    expect(await got).toEqual(['one', 'two', 'three'])
    type('status')
    await says(/n2 +up +\d+/)
    for (const client of [ann, bob]) client?.close()
    script.kill('SIGINT')
    expect(await ended).toBe(0)
  }, 600_000)
})
