import type { DragEvent } from 'react'

const TYPE = 'application/x-fusion-chat'

export function dragChat(event: DragEvent, conversationId: string): void {
  event.dataTransfer.setData(TYPE, conversationId)
  event.dataTransfer.effectAllowed = 'move'
}

export function isChatDrag(event: DragEvent): boolean {
  return event.dataTransfer.types.includes(TYPE)
}

/** The chat that is dropped here, or null. */
export function draggedChat(event: DragEvent): string | null {
  return event.dataTransfer.getData(TYPE) || null
}
