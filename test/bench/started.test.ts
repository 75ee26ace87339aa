import { expect, it } from 'vitest'
import { read, started } from '../../bench/started.ts'

it('starts what it measures as the first line of the command starts Node', () => {
  expect(read('#!/usr/bin/env -S A=1 B=2 node --one --two=3')).toEqual({
    env: { A: '1', B: '2' },
    flags: ['--one', '--two=3'],
  })
  expect(read('#!/usr/bin/env node')).toEqual({ env: {}, flags: [] })
  expect(Object.keys(started.env)).toEqual(['MALLOC_TRIM_THRESHOLD_'])
  expect(started.flags).toEqual(['--no-allocation-site-pretenuring'])
})
