export type Place = {
  readonly host?: string
  readonly port?: number
  readonly heapMb?: number
  readonly quick?: boolean
  readonly patient?: boolean
  readonly keystore?: string
}
export type Running = { readonly contactPoints: string[]; readonly localDc: string; stop(): Promise<void> }
export type CassandraNode = {
  readonly host: string
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
