// node client.mjs CLIENT_MODULE URL USER: a client that takes what comes, sends to bob what it reads from its input, a line each, and prints what happens.
import { createInterface } from 'node:readline'

const [, , module, url, token] = process.argv
const { connect } = await import(module)
const client = connect({ url, token })
client.on('connection', ({ is, reason = '' }) => console.log(`${is} ${reason}`.trim()))
createInterface({ input: process.stdin }).on('line', async (text) => {
  await client.send('bob', text)
  console.log(`sent ${text}`)
})
for await (const { body } of client.messages()) console.log(`got ${body}`)
