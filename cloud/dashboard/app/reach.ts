/** `fetch`, which says in words for people when the cloud can't be reached. */
export async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init)
  } catch {
    throw new Error('The cloud could not be reached. Check that you are online, then try again.')
  }
}
