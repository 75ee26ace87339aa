/**
 * Processes whose wall clock is the test's to set, while their monotonic clock goes on: what happens where somebody sets the clock
 * of a machine. libfaketime reads the offset from a file, each time that a process asks for the time of day.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needs } from '../skips.ts'

const library = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu']
  .map((folder) => join(folder, 'faketime/libfaketime.so.1'))
  .find(existsSync)

export const needsFaketime = needs('libfaketime', library !== undefined, 'apt-get install libfaketime')

export class Clocked {
  readonly process: ChildProcess
  readonly #file: string
  /** What it has printed. */
  out = ''

  /** A Node program, whose clock is `offsetMs` ahead. */
  constructor(args: readonly string[], offsetMs = 0) {
    this.#file = join(mkdtempSync(join(tmpdir(), 'bluetick-clock-')), 'offset')
    this.step(offsetMs)
    this.process = spawn(process.execPath, args, {
      env: {
        ...process.env,
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: this.#file,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    })
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.on('data', (text) => {
        this.out += text
      })
  }

  /** Sets its clock to so much ahead of the true time; below zero: behind. */
  step(offsetMs: number): void {
    const next = `${this.#file}.next`
    writeFileSync(next, `${offsetMs < 0 ? '-' : '+'}${Math.abs(offsetMs) / 1_000}\n`)
    renameSync(next, this.#file)
  }
}
