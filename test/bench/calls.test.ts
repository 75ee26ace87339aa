import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { callsOf, callsPer } from '../../bench/calls.ts'
import { needs } from '../skips.ts'

const strace = spawnSync('strace', ['-V']).status === 0

describe('system calls', needs('strace', strace, 'apt-get install strace'), () => {
  it('are counted while something is done, and by what was done', { timeout: 120_000 }, async () => {
    const program = `process.stdin.on('data', () => {
      for (let n = 0; n < 500; n++) require('node:fs').ftruncateSync(file, n)
      console.log('done')
    })
    const file = require('node:fs').openSync('/tmp/bluetick-calls-' + process.pid, 'w')
    require('node:fs').unlinkSync('/tmp/bluetick-calls-' + process.pid)
    console.log('ready')`
    const child = spawn(process.execPath, ['-e', program])
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    const counts = await callsOf(child.pid ?? 0, async () => {
      child.stdin.write('go')
      await once(child.stdout, 'data')
    })
    expect(counts.get('ftruncate')).toBe(500)
    expect(counts.has('total')).toBe(false)
    expect(callsPer('node', 'message', counts, 250)).toMatchObject({ node_ftruncate_per_message: 2 })
  })

  it('of a process that is not there cannot be, which is said', async () => {
    await expect(callsOf(2 ** 22 + 1, async () => {})).rejects.toThrow('System calls cannot be counted: strace: ')
  })
})
