export { fileStorage } from './node-file.ts'
