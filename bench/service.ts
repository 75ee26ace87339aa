/** A service that is told what happens, and takes everything at once: in the process that started the bench, which has little else to do. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export async function startService() {
  let taken = 0
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      taken += 1
      response.writeHead(204).end()
    })
  })
  server.unref()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, figures: () => ({ webhooks_taken: taken }) }
}
