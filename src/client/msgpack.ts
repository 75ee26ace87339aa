export { msgpackCodec as msgpack } from '../protocol/msgpack.ts'
