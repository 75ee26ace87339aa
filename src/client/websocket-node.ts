import { WebSocket } from 'ws'

export const PlatformWebSocket = WebSocket as unknown as typeof globalThis.WebSocket
