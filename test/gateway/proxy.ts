/** A real nginx, HAProxy or Caddy before nodes, with the lines that docs/operations.md and docs/deploy show. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blocks } from '../docs/blocks.ts'
import { freePort } from '../ports.ts'
import { needs } from '../skips.ts'

export const needsNginx = needs('nginx', existsSync('/usr/sbin/nginx'), 'apt-get install nginx-light')
export const needsHaproxy = needs('HAProxy', existsSync('/usr/sbin/haproxy'), 'apt-get install haproxy')
export const needsCaddy = needs('Caddy', existsSync('/usr/bin/caddy'), 'apt-get install caddy')
/** The snippets of the page in a language, in order. */
export const snippets = (language: string): string[] =>
  blocks('docs/operations.md').flatMap((block) => (block.language === language ? [block.code] : []))

const running: ChildProcess[] = []

export function stopProxies(): void {
  for (const proxy of running.splice(0)) proxy.kill('SIGKILL')
}

/** Its port. `lines`: of a server, as nginx reads them. */
export const nginx = (lines: string): Promise<number> => nginxWith(`server { listen LISTEN; ${lines} }`)

/** Its port. `lines`: of `http`, of which the server has a line `listen LISTEN`. */
export async function nginxWith(lines: string): Promise<number> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-nginx-'))
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  const config = `daemon off; pid ${folder}/pid; master_process off; error_log ${folder}/error.log;
events {}
http { access_log off; ${paths.join(' ')}
${lines.replace('LISTEN', `127.0.0.1:${port}`)} }`
  return start(port, '/usr/sbin/nginx', ['-p', folder, '-e', join(folder, 'error.log'), '-c'], folder, config)
}

/** Its port. `lines`: sections, of which the frontend has a line `bind BIND`. */
export async function haproxy(lines: string): Promise<number> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-haproxy-'))
  return start(port, '/usr/sbin/haproxy', ['-db', '-f'], folder, lines.replace('BIND', `127.0.0.1:${port}`))
}

/** Its port. `lines`: a site. */
export async function caddy(lines: string): Promise<number> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-caddy-'))
  // By whatever name it is called.
  const site = lines.replace(/^\S+ \{/, `http://:${port} {\n bind 127.0.0.1`)
  const config = `{\n admin off\n auto_https off\n storage file_system ${folder}\n}\n${site}`
  return start(port, '/usr/bin/caddy', ['run', '--adapter', 'caddyfile', '--config'], folder, config)
}

async function start(port: number, path: string, args: string[], folder: string, config: string): Promise<number> {
  const file = join(folder, 'config')
  writeFileSync(file, `${config}\n`)
  // Caddy keeps the last of its configurations.
  const proxy = spawn(path, [...args, file], { env: { ...process.env, XDG_CONFIG_HOME: folder } })
  running.push(proxy)
  let said = ''
  for (const stream of [proxy.stdout, proxy.stderr])
    stream.on('data', (text) => {
      said += text
    })
  while (!(await answers(port))) if (proxy.exitCode !== null) throw new Error(`${path} ended: ${said}`)
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    socket.once('error', () => setTimeout(() => resolve(false), 20))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
