/** Puts text on the clipboard. Rejects where the browser refuses it (no focus, no permission). */
export async function writeClipboard(text: string): Promise<void> {
  await navigator.clipboard.writeText(text)
}
