const apple = /Mac|iPhone|iPad/.test(navigator.userAgent)

/** "⌘K" on Apple's keyboards, "Ctrl K" on others. */
export function shortcutLabel(key: string): string {
  return apple ? `⌘${key.replace('Shift+', '⇧')}` : `Ctrl ${key.replace('Shift+', 'Shift ')}`
}

/** True for the platform's main modifier. */
export function hasMainModifier(event: { metaKey: boolean; ctrlKey: boolean }): boolean {
  return apple ? event.metaKey : event.ctrlKey
}
