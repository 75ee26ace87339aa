// npm run test:kill -- --rounds 500 [--seed N]: the kill test alone, longer.
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' }, seed: { type: 'string' } } })
const env = { ...process.env, KILL_ROUNDS: values.rounds, ...(values.seed && { KILL_SEED: values.seed }) }
const { status } = spawnSync('npx', ['vitest', 'run', 'test/kill/kill.test.ts'], { stdio: 'inherit', env })
process.exitCode = status ?? 1
