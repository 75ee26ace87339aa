// One Cassandra for all files of a run that need keyspaces in it and no more: a start takes both cores of a small machine for 15 s.
import { oneNode, provides } from './server.mjs'

const named = process.argv.slice(2).filter((argument) => argument !== 'run' && !argument.startsWith('-'))
const asked = named.some((name) => name.includes('cassandra')) || (process.env.CI && named.length === 0)

/** Vitest calls it before all tests, and what it answers after them. A file of a run without it starts one of its own. */
export default async function shareCassandra() {
  if (!asked || process.env.CASSANDRA_CONTACT_POINTS || !provides()) return
  const { contactPoints, localDc, folder, stop } = await oneNode()
  process.env.CASSANDRA_CONTACT_POINTS = contactPoints.join()
  process.env.CASSANDRA_DC = localDc
  if (folder) process.env.CASSANDRA_FOLDER = folder
  return stop
}
