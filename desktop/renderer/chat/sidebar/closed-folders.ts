// Which folders are folded up is this browser's own affair: it survives a reload, and no other device is told.
const KEY = 'fusion-closed-folders'

function read(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(kept) ? kept.map(String) : []
  } catch {
    return []
  }
}

export function isClosed(folderId: string): boolean {
  return read().includes(folderId)
}

export function keepClosed(folderId: string, closed: boolean): void {
  const others = read().filter(id => id !== folderId)
  localStorage.setItem(KEY, JSON.stringify(closed ? [...others, folderId] : others))
}
