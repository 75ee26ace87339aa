/** A cluster that asks for TLS and a password. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cassandraStore } from '../../src/index.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { applySchema } from '../../src/store/cassandra/schema.ts'
import { clustersHere, startMs } from './here.ts'
import { type Running, startCluster } from './server.mjs'

const folder = mkdtempSync(join(tmpdir(), 'bluetick-secured-'))
const [keystore, ca] = [join(folder, 'keystore'), join(folder, 'ca.pem')]
const host = `127.${1 + (process.pid % 250)}.${Date.now() % 250}.9`

function makeKeys(): void {
  const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', 'password', '-alias', 'node']
  const keytool = (...args: string[]) =>
    execFileSync('keytool', [...args, ...store], { encoding: 'utf8', stdio: 'pipe' })
  keytool('-genkeypair', '-keyalg', 'RSA', '-dname', 'CN=cassandra', '-ext', `san=ip:${host}`)
  writeFileSync(ca, keytool('-exportcert', '-rfc'))
}

describe('a secured Cassandra', clustersHere, () => {
  let cluster: Running
  let options: CassandraOptions
  beforeAll(async () => {
    makeKeys()
    cluster = await startCluster(1, { host, keystore })
    const { contactPoints, localDc } = cluster
    const credentials = { user: 'cassandra', password: 'cassandra' }
    options = { contactPoints, localDc, keyspace: 'secured', tls: { ca }, credentials }
  }, startMs)
  afterAll(() => cluster?.stop())
  const opening = (changes: Partial<CassandraOptions>) => cassandraStore({ ...options, ...changes }).open()

  it('lets in who has its certificate and a password', async () => {
    // The user is made a moment after the start.
    await expect.poll(() => applySchema(options, 1).then(() => 'made', String)).toBe('made')
    const store = cassandraStore(options)
    await store.open()
    // The first was taken to open it.
    expect(await store.takeTerm()).toBe(2)
    await store.close()
  })

  it('refuses others, and the sentence says why', async () => {
    const credentials = { user: 'cassandra', password: 'wrong' }
    await expect(opening({ credentials })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('refused the user or the password'),
    })
    await expect(opening({ tls: true })).rejects.toThrow(/self-signed certificate/)
    await expect(opening({ tls: false })).rejects.toMatchObject({ code: 'unavailable' })
  })
})
