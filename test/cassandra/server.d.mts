export type Place = {
  readonly host?: string
  readonly port?: number
  readonly heapMb?: number
  readonly quick?: boolean
  readonly patient?: boolean
  readonly keystore?: string
  readonly jmxPort?: number
  readonly exact?: boolean
}
export type Running = {
  readonly contactPoints: string[]
  readonly localDc: string
  readonly folder?: string | undefined
  stop(): Promise<void>
}
export type CassandraNode = {
  readonly host: string
  /** Of its configuration, its data and its commit log. */
  readonly folder: string
  tool(...args: string[]): Promise<string>
  start(): Promise<void>
  kill(): Promise<void>
  pause(): void
  resume(): void
}
export const howToGet: string
export function provides(): boolean
export function providesClusters(): boolean
export function oneNode(place?: Place): Promise<Running>
export function startCluster(size: number, place?: Place): Promise<Running & { readonly nodes: CassandraNode[] }>
