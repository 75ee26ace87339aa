import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { webhooksTest } from '../contracts/webhooks.ts'

const data = mkdtempSync(join(tmpdir(), 'bluetick-hooks-'))

webhooksTest('lmdb', () => ['--data', data])
