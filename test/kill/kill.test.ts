import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killTest } from '../contracts/kill.ts'

const data = mkdtempSync(join(tmpdir(), 'bluetick-kill-'))

killTest('lmdb', () => ['--data', data])
