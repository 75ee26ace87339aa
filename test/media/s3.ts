/** An S3 server, as a process of its own, that checks signatures and keeps objects in a folder. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../ports.ts'

const ended = { kill() {} }

export async function s3Server(folder: string): Promise<{ readonly url: string; stop(): void }> {
  const port = await freePort()
  const args = ['--address', '127.0.0.1', '--port', String(port), '--directory', folder]
  const server = spawn(process.execPath, ['node_modules/s3rver/bin/s3rver.js', ...args, '--configure-bucket', 'media'])
  const stop = () => void (server.exitCode === null ? server : ended).kill()
  process.once('exit', stop)
  let said = ''
  server.stderr.on('data', (text) => {
    said += text
  })
  await Promise.race([
    once(server.stdout, 'data'),
    once(server, 'exit').then(() => Promise.reject(new Error(`the S3 server ended: ${said}`))),
  ])
  return { url: `http://127.0.0.1:${port}`, stop }
}

/** What the server takes. */
export const keys = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
