const PREFIX = 'cloud:'

/** What a chat wishes for when it wishes for a model of the cloud: never mistaken for the hash of a file. */
export const cloudModelId = (name: string): string => PREFIX + name

/** The cloud's name for the model; undefined for a wish for a model of this computer, or none. */
export const cloudModelName = (wish: string | null): string | undefined =>
  wish?.startsWith(PREFIX) ? wish.slice(PREFIX.length) : undefined
