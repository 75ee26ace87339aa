#!/usr/bin/env node
import { inspect } from './inspect.ts'
import { serve } from './serve.ts'
import { token } from './token.ts'

const commands: Record<string, (args: string[]) => Promise<void>> = { serve, token, inspect }

const usage = `bluetick serve [options]          run a node
bluetick token USER [options]     make a token for a user
bluetick inspect USER             what a running node knows of a user
bluetick inspect --message ID     what became of a message

Each command says more with --help.`

const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
if (!command) {
  console.log(usage)
  process.exitCode = name === '' || name === '--help' ? 0 : 2
} else {
  command(args).catch((error: Error) => {
    console.error(`bluetick ${name}: ${error.message}`)
    process.exitCode = 1
  })
}
