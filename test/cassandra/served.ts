/** Nodes of one cluster, each a process, with wires that may be cut, behind HAProxy. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import type { KnownCluster } from '../../src/index.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { haproxy } from '../gateway/proxy.ts'
import { freePort } from '../ports.ts'
import { type Served, serve } from './serve.ts'
import { Wire } from './wire.ts'

const main = 'dist/src/cli/main.js'
/** Of a starved machine: thirteen seconds until a node is dead, thirty without moves, and what loading takes. */
const patienceMs = 240_000

type Place = { readonly data: string; readonly port: number; readonly link: number; readonly links: Wire }

export class ServedNodes {
  readonly #optionsOf: (name: string) => CassandraOptions
  readonly #more: readonly string[]
  readonly #places = new Map<string, Place>()
  readonly #nodes = new Map<string, Served>()
  readonly #all: Served[] = []
  #known = ''

  /** `optionsOf`: how each reaches Cassandra. `more`: options of `bluetick serve`. */
  constructor(optionsOf: (name: string) => CassandraOptions, more: readonly string[] = []) {
    this.#optionsOf = optionsOf
    this.#more = more
  }

  /** Where a node is to be, whether it runs or not. */
  async place(name: string): Promise<void> {
    const data = mkdtempSync(join(tmpdir(), `bluetick-${name}-`))
    const [port, link, links] = [await freePort(), await freePort(), await Wire.lay()]
    links.lead('127.0.0.1', link)
    this.#places.set(name, { data, port, link, links })
  }

  /** HAProxy, as docs/deploy/haproxy.cfg has it, before all that have a place: its address. */
  async balance(): Promise<string> {
    const config = readFileSync('docs/deploy/haproxy.cfg', 'utf8').replace('bind :8080', 'bind BIND')
    const servers = [...this.#places].map(([name, { port }]) => `  server ${name} 127.0.0.1:${port}\n`)
    return `ws://127.0.0.1:${await haproxy(config.replace(/^ {2}server .*\n/gm, '') + servers.join(''))}`
  }

  async start(name: string): Promise<void> {
    const { data, port, link, links } = this.#at(name)
    const own = ['--node-name', name, '--data', data, '--trusted-proxies', '127.0.0.1', '--port', `${port}`]
    const linked = ['--link-port', `${link}`, '--link-address', links.address]
    const node = await serve(this.#optionsOf(name), ...own, ...linked, ...this.#more)
    this.#nodes.set(name, node)
    this.#all.push(node)
  }

  #at(name: string): Place {
    return this.#places.get(name) as Place
  }

  node(name: string): Served {
    return this.#nodes.get(name) as Served
  }

  /** The way by which others reach it. */
  links(name: string): Wire {
    return this.#at(name).links
  }

  /** As one of them knows it: for each node how many shards it has, and whether it is reached. */
  async status(from: string): Promise<{ name: string; shards: number; isReached: boolean }[]> {
    this.#known = await this.#ask(from, '/admin/v1/cluster')
    const { nodes } = JSON.parse(this.#known) as KnownCluster
    return nodes.map(({ name, shards, isLinked }) => ({ name, shards, isReached: isLinked }))
  }

  /** The same, as `bluetick cluster status` prints it. */
  async printed(from: string): Promise<string> {
    const { data, port } = this.#at(from)
    const args = [main, 'cluster', 'status', '--url', `ws://127.0.0.1:${port}`, '--data', data]
    return (await promisify(execFile)(process.execPath, args)).stdout
  }

  /** Not by a process of its own: what that takes those would wait for who are measured. */
  async #ask(from: string, path: string): Promise<string> {
    const { data, port } = this.#at(from)
    const authorization = `Bearer ${readFileSync(join(data, 'operator-token'), 'utf8').trim()}`
    return (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization } })).text()
  }

  /** What a node tells Prometheus. */
  metrics(of: string): Promise<string> {
    return this.#ask(of, '/metrics')
  }

  /** Where it does not come to that, what they said last is told. */
  async waitFor(isSo: () => Promise<boolean>): Promise<void> {
    const waited = expect.poll(isSo, { timeout: patienceMs, interval: 1_000 }).toBe(true)
    await waited.catch((cause) => {
      const said = [...this.#nodes].map(([name, node]) => `${name}: ${node.said().slice(-1_500)}`)
      throw new Error([this.#known, ...said].join('\n'), { cause })
    })
  }

  /** Until each has about as many shards as another. */
  even(...names: string[]): Promise<void> {
    const least = Math.floor(1_024 / names.length) - 1_024 / 20
    return this.waitFor(async () => {
      const known = await this.status(names[0] as string)
      return known.length === names.length && known.every(({ shards }) => shards > least)
    })
  }

  /** Until these have all shards. */
  share(...names: string[]): Promise<void> {
    return this.waitFor(async () => {
      const known = await this.status(names[0] as string)
      const areThese =
        known
          .map(({ name }) => name)
          .sort()
          .join() === [...names].sort().join()
      return areThese && known.every(({ shards }) => shards > 0)
    })
  }

  /** Entries of logs that a node has not found. */
  missed(): readonly string[] {
    return this.#all.flatMap((node) => node.errors()).filter((line) => line.includes('is missing'))
  }

  kill(): void {
    for (const node of this.#nodes.values()) node.kill()
  }
}
