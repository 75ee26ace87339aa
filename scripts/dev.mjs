// Builds, runs a node, and does both again when a source changes. Arguments go to `bluetick serve`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'

let server
let wanted = true
let wake = () => {}
for (const folder of ['src', 'actors']) {
  watch(folder, { recursive: true }, () => {
    wanted = true
    wake()
  })
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop().then(() => process.exit()))

for (;;) {
  while (wanted) {
    await new Promise((resolve) => setTimeout(resolve, 100)) // an editor writes several files
    wanted = false
    const build = spawn('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
    const [code] = await once(build, 'exit')
    if (code !== 0 || wanted) continue
    await stop()
    server = spawn(process.execPath, ['dist/src/cli/main.js', 'serve', ...process.argv.slice(2)], { stdio: 'inherit' })
  }
  await new Promise((resolve) => {
    wake = resolve
  })
}

async function stop() {
  if (!server || server.exitCode !== null) return
  const ended = once(server, 'exit')
  server.kill('SIGTERM')
  await ended
}
