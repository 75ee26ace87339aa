export const PlatformWebSocket = globalThis.WebSocket
