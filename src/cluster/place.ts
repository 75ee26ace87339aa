/**
 * A node's place on its machine: while it runs nobody else has it, and who has it next knows which life has ended there. That is a proof which needs
 * no clock: the kernel gives the lock up when the process has ended, whatever ended it.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { lockFile } from '../file-lock.ts'

export type Place = {
  /** The life that was here last, and has ended; null: none is known. */
  readonly former: number | null
  /** Before this life joins its cluster. */
  note(life: number): void
  release(): void
}

/** Takes the place of a node of this name in a folder, which is made if need be; it must not be shared between machines. Throws where another process has it. */
export function takePlace(folder: string, name: string): Place {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // A name may have any letters.
  const path = join(folder, encodeURIComponent(name))
  const lock = lockFile(`${path}.lock`)
  if (!lock.held) throw new Error(`A node named ${name} runs here already: ${lock.by} has ${path}.lock.`)
  return { former: read(`${path}.life`), note: (life) => write(`${path}.life`, life), release: lock.release }
}

function read(path: string): number | null {
  try {
    const life = Number(readFileSync(path, 'utf8'))
    return Number.isSafeInteger(life) && life > 0 ? life : null
  } catch {
    return null
  }
}

/** Whole or not at all: a part of a number is another number. */
function write(path: string, life: number): void {
  const file = openSync(`${path}.new`, 'w', 0o600)
  try {
    writeSync(file, `${life}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.new`, path)
}
