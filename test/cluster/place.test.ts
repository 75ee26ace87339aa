import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { takePlace } from '../../src/cluster/place.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bluetick-place-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('is one node’s at a time; the next one knows which life has ended there', () => {
  const first = takePlace(folder, 'n1')
  expect(first.former).toBeNull()
  first.note(7)
  expect(() => takePlace(folder, 'n1')).toThrow(/^A node named n1 runs here already: process \d+ on /)
  expect(takePlace(folder, 'n/2').former).toBeNull()
  first.release()
  const next = takePlace(folder, 'n1')
  expect(next.former).toBe(7)
  next.release()
})

it('says nothing where what it kept is no life', () => {
  for (const text of ['', 'x', '-3', '1e99']) {
    writeFileSync(join(folder, 'n1.life'), text)
    const place = takePlace(folder, 'n1')
    expect(place.former).toBeNull()
    place.release()
  }
})

it('is free when its process was killed', async () => {
  const script = `const { tryLock } = require('fs-native-extensions'); const fs = require('fs')
    const file = fs.openSync(${JSON.stringify(join(folder, 'n1.lock'))}, 'w+'); tryLock(file)
    fs.writeFileSync(${JSON.stringify(join(folder, 'n1.life'))}, '9'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['-e', script])
  await expect.poll(() => existsSync(join(folder, 'n1.life'))).toBe(true)
  expect(() => takePlace(folder, 'n1')).toThrow(/runs here already/)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
  const place = takePlace(folder, 'n1')
  expect(place.former).toBe(9)
  place.release()
})
