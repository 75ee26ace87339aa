/**
 * Compiles and runs the TypeScript of README.md and docs/, each block a program in a project that has installed the package. A
 * block of text that follows is what it prints. One that starts a node gets a port of its own; the others find `npm start` at theirs.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { compilerOptions, makeProject, type Project } from '../package/project.ts'
import { freePort } from '../ports.ts'
import { blocks } from './blocks.ts'

const files = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)].filter((name) => name.endsWith('.md'))
const programs = files.flatMap(blocks).flatMap((block, index, all) => {
  const next = all[index + 1]
  const prints = next?.language === 'text' && next.file === block.file ? next.code : undefined
  return block.language === 'ts' ? [{ ...block, prints, name: `${block.file.replace(/\W/g, '-')}-${block.line}` }] : []
})

const served = await freePort()
let project: Project
let server: ChildProcess
beforeAll(async () => {
  project = await makeProject()
  for (const { name, code } of programs) {
    mkdirSync(join(project.folder, name))
    const port = code.includes('createNode(') ? await freePort() : served
    project.write(`${name}/main.ts`, code.replaceAll('8080', String(port)))
  }
  server = spawn(process.execPath, [resolve('dist/src/cli/main.js'), 'serve', '--port', String(served)], {
    cwd: project.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((up, down) => {
    server.stdout?.once('data', up)
    server.once('exit', (code) => down(new Error(`the node ended with ${code}`)))
  })
  await talk(`ws://127.0.0.1:${served}`)
})

/** Somebody has used the chat page before, with the names that come to mind first. */
async function talk(url: string): Promise<void> {
  const [alice, bob] = ['alice', 'bob'].map((token) => connect({ url, token, device: 'Chrome on Linux' }))
  await alice?.send('bob', 'from the page')
  await bob?.send('alice', 'from the page, too')
  await Promise.all([alice?.close(), bob?.close()])
}

afterAll(() => void server.kill())

it('compile, all of them', async () => {
  // As `tsc --init` has it.
  const asNew = { noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true }
  const options = { ...compilerOptions, ...asNew, module: 'nodenext' }
  project.write('tsconfig.json', JSON.stringify({ compilerOptions: options }))
  await project.run(resolve('node_modules/.bin/tsc'))
})

it.each(programs)('$file, line $line', async ({ name, prints }) => {
  const program = spawn(process.execPath, ['main.js'], { cwd: join(project.folder, name) })
  onTestFinished(() => void program.kill('SIGKILL'))
  let printed = ''
  for (const stream of [program.stdout, program.stderr])
    stream.on('data', (text) => {
      printed += text
    })
  const ended = new Promise((resolve) => program.once('exit', resolve))
  if (prints !== undefined) await expect.poll(() => printed.trim()).toBe(prints)
  else expect(await ended, printed).toBe(0)
  program.kill()
  await ended
})
