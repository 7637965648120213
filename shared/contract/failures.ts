// Every failure that somebody is expected to handle, and the words a person reads for it: used by page, command line and API.
import { Failure, type FailureBody, type FailureDetail } from '../rpc/failure.ts'

interface Words {
  /** What happened, and what was kept. */
  what: string
  /** What to do next. */
  next: string
}

/** `{name}` in the words is filled from the failure's detail. */
const words = {
  // the wire
  'bad-input': { what: 'Fusion did not understand this request.', next: 'Reload the page. If it happens again, it is a fault of Fusion.' },
  'not-found': { what: 'This is no longer there.', next: 'It may have been deleted in another window.' },
  cancelled: { what: 'This was stopped.', next: 'Start it again when you like.' },
  disconnected: { what: 'The connection to the engine was lost.', next: 'Fusion is connecting again; nothing you sent is lost.' },
  overloaded: { what: 'Too much was asked for at once.', next: 'Wait a moment and try again.' },
  'fell-behind': { what: 'This window fell behind.', next: 'It is reading everything anew.' },
  internal: { what: 'Something went wrong inside Fusion.', next: 'Your chats are safe. Try again; if it happens again, restart Fusion.' },

  // the data folder
  'data-folder-in-use': { what: 'Another Fusion is using this data folder.', next: 'Use that one, or close it first.' },
  'data-folder-unusable': {
    what: 'Fusion cannot keep its data in {folder}.',
    next: 'Name a folder that you may write to in FUSION_HOME, then start again.',
  },
  'data-folder-read-only': {
    what: 'Fusion cannot write to {folder}.',
    next: 'Make the folder writable, then start Fusion again. Nothing was changed.',
  },
  'database-newer': { what: 'Your chats were last opened by a newer Fusion.', next: 'Update this one to open them. Nothing was changed.' },
  'database-damaged': {
    what: 'The database is damaged and could not be opened.',
    next: 'A copy is kept at {file}. Fusion began a new one and brought over all that could be read.',
  },
  'database-repaired': {
    what: 'A damaged part of the database was repaired.',
    next: 'All chats that could be read are here. You need not do anything.',
  },
  'database-needs-repair': {
    what: 'A part of the database is damaged.',
    next: 'Start Fusion again: it then brings over all that can be read into a new one.',
  },
  'row-unreadable': {
    what: '{count} items could not be read and are not shown.',
    next: 'All others are here. The unreadable ones stay in the database.',
  },
  'disk-full': { what: 'The disk is full.', next: 'What was saved is safe. Make room, then try again.' },

  // models
  'model-missing': { what: 'There is no model to answer with.', next: 'Add a model: any chat model as a GGUF file.' },
  'model-file-gone': { what: 'The file of {model} is no longer there.', next: 'Put it back, or choose another model.' },
  'model-not-gguf': { what: '{file} is not a model file.', next: 'Choose a file in GGUF format. Its name usually ends in .gguf.' },
  'model-corrupt': { what: '{file} is damaged or not whole.', next: 'Download or copy it again, then add it anew.' },
  'model-unsupported': { what: '{file} is a kind of model that Fusion cannot run: {why}.', next: 'Choose a chat model.' },
  'model-too-large': {
    what: '{model} needs {needed} of memory; {free} is free.',
    next: 'Close other programs, or choose a smaller model.',
  },
  'model-load-failed': { what: '{model} could not be loaded.', next: 'Try again, or choose another model.' },
  'out-of-memory': {
    what: 'This computer ran out of memory while answering.',
    next: 'What was written is kept. Close other programs or choose a smaller model, then go on from there.',
  },
  'model-crashed': { what: 'The model stopped unexpectedly.', next: 'What was written is kept. You can go on from there.' },
  interrupted: { what: 'Fusion was closed while this was being written.', next: 'What was written is kept. You can go on from there.' },
  'state-unusable': {
    what: 'The saved state of this chat could not be used.',
    next: 'The answer is computed without it; it takes a little longer.',
  },
  'model-busy': { what: 'This model is answering, in a chat or for a program.', next: 'Stop the answer first, or wait for it.' },
  'copy-failed': { what: '{file} could not be copied.', next: 'Try again.' },
  'model-unknown': { what: 'No model here is called {name}.', next: 'The command "fusion models list" shows which there are.' },
  'model-ambiguous': { what: '{name} fits several models: {models}.', next: 'Write more of the name, or the beginning of the id.' },
  'model-bundled': { what: '{model} comes with Fusion and stays.', next: 'Your own models are answered with before it.' },

  // the command line
  'engine-not-running': {
    what: 'No Fusion is running that could keep a model loaded.',
    next: 'Start one with "fusion serve", then try again.',
  },
  'engine-in-window': {
    what: 'Fusion is open in its own window, which lets no command in.',
    next: 'Close the window, or use "fusion serve" and a browser instead of it.',
  },
  'engine-other-version': {
    what: 'The Fusion that is running is of another version than this command.',
    next: 'End it and start it again, then try again.',
  },
  'engine-gone': { what: 'The Fusion that was running has ended.', next: 'Try again; the command then works without it.' },
  'output-there': { what: '{file} is there already.', next: 'Name another place with --output; nothing was written over.' },
  'output-unwritable': { what: '{file} could not be written.', next: 'Choose a place that you may write to.' },
  'output-disk-full': { what: 'There is no room on the disk for {file}.', next: 'Make room, or choose another place.' },

  // a turn
  'prompt-too-long': {
    what: 'This message has {tokens} tokens; the window of {model} holds {window}.',
    next: 'Shorten it, take out an attachment, or choose a model with a larger window.',
  },
  'form-unusable': { what: 'No answer can be held to this schema: {why}.', next: 'Change the schema, or ask without one.' },
  'token-unknown': { what: 'The prompt holds a token that {model} does not have: {token}.', next: 'Use tokens of this model.' },
  'message-too-large': {
    what: 'This message is too long: 8 million characters are the most.',
    next: 'Shorten it. Until then it is kept in this window only.',
  },
  'chat-busy': { what: 'This chat is being answered.', next: 'Stop the answer first, or wait for it.' },
  'chat-in-trash': { what: 'This chat is in the trash.', next: 'Bring it back to go on with it.' },
  'not-in-trash': { what: 'Only chats in the trash can be deleted for good.', next: 'Move the chat to the trash first.' },
  'file-not-text': { what: '{file} is not a text file.', next: 'Attach text: notes, code, tables, logs.' },
  'file-too-large': { what: '{file} is too large to attach: 8 million characters are the most.', next: 'Attach a part of it.' },
  'too-many-files': { what: 'A message takes 20 files at the most.', next: 'Send these first, then attach the others.' },
  'file-unreadable': { what: '{file} could not be read.', next: 'Check that it is there and that you may read it.' },

  // what leaves this computer
  'chat-local-only': {
    what: 'This chat is for this computer only: Fusion opened no connection for it.',
    next: 'You can allow it in the settings of this chat.',
  },
  'egress-refused': { what: 'Fusion did not open a connection.', next: 'This chat stays on this computer.' },
  'address-unfit': {
    what: 'Fusion does not ask for an address of this kind.',
    next: 'You can open it in your browser, if you trust it.',
  },
  'address-not-public': {
    what: '{host} is not a place on the public internet.',
    next: 'Nothing that a model writes may reach into this computer or its network.',
  },
  'host-unreachable': { what: '{host} could not be reached.', next: 'Check that you are online, then try again.' },
  'host-unproven': {
    what: '{host} could not prove that it is the one it says.',
    next: 'Somebody may stand between it and you, so nothing was asked for.',
  },
  'host-too-slow': { what: '{host} took too long.', next: 'Try again later, or open the address in your browser.' },
  'host-refused': {
    what: '{host} did not send the image: it answered with status {status}.',
    next: 'It may be gone, or only be shown to browsers.',
  },
  'host-redirects': { what: '{host} sent Fusion on too many times.', next: 'Open the address in your browser, if you trust it.' },
  'download-too-large': { what: 'The file is larger than {limit}.', next: 'You can open its address in your browser.' },

  // the local API
  'port-in-use': {
    what: 'Another program of this computer uses port {port}.',
    next: 'Choose another port, or close that program; Fusion then opens it by itself.',
  },
  'port-not-allowed': { what: 'This account may not open port {port}.', next: 'Choose a port above 1023.' },

  // the cloud
  'signed-out': { what: 'You are not signed in, or no longer.', next: 'Sign in again; nothing was changed.' },
  'not-allowed': { what: 'Your account may not do this.', next: 'Ask somebody who manages this cloud.' },
  'cloud-part-missing': { what: 'A part of the cloud is not there at the moment.', next: 'Try again in a moment.' },
  'cloud-address-unfit': { what: 'This is not the address of a cloud.', next: 'Write it as https://cloud.example.org.' },
  'cloud-odd': {
    what: 'The cloud at {host} answered in a way that this Fusion does not know.',
    next: 'Check the address, or update Fusion.',
  },
  'cloud-model-missing': { what: 'The cloud has no model {model} any more.', next: 'Choose another model for this chat.' },
  'cloud-answer-gone': { what: 'The cloud no longer has this answer.', next: 'What was written is kept. You can go on from there.' },
  'sign-in-refused': { what: 'The sign-in was not finished.', next: 'Begin it again when you like; nothing was changed.' },
  'sign-in-over': { what: 'The sign-in took too long.', next: 'Begin it again.' },
  'cloud-unreachable': {
    what: 'The cloud at {host} could not be reached.',
    next: 'Check that you are online. Nothing is lost; models of this computer still answer.',
  },
  'sign-in-wrong': { what: 'The e-mail address or the password is not right.', next: 'Check both, then try again.' },
  'sign-in-unknown': { what: 'This sign-in was not begun by Fusion.', next: 'Begin again in the app.' },
  'sign-in-stale': { what: 'This page was open in another window, or for too long.', next: 'Try again.' },
  'device-code-wrong': { what: 'This code is not good, or no longer.', next: 'Check it, or begin again on the device.' },
  'password-short': { what: 'This password is too short.', next: 'Use {characters} characters or more.' },
  'email-taken': { what: 'There is an account with this e-mail address.', next: 'Sign in with it, or use another address.' },
  'email-unfit': { what: 'This is not an e-mail address.', next: 'Write it as name@example.org.' },
  'name-unfit': { what: 'This name is empty or holds characters that no name has.', next: 'Write it anew.' },
  'account-differs': {
    what: 'This is not the e-mail address of your account.',
    next: 'Write it as your account has it. Nothing was deleted.',
  },
  'sign-in-old': {
    what: 'Only a device that signed in within the last ten minutes may do this.',
    next: 'Sign in anew, then try again. Nothing was changed.',
  },
  'budget-spent': {
    what: 'The tokens of this month are used up: {used} of {budget}.',
    next: 'There are new ones from {date} on. Whoever manages this cloud can allow more.',
  },
  'budget-too-small': {
    what: 'This may take {needed} tokens, and {left} are left of what may be used.',
    next: 'Ask for a shorter answer, or send less. Whoever manages this cloud can allow more.',
  },
  'tokens-too-fast': {
    what: 'As many tokens as a minute allows are in use.',
    next: 'Wait {seconds} seconds, then try again.',
  },
  'money-spent': {
    what: 'The money for models of this month is used up.',
    next: 'There is more from {date} on. Whoever manages this cloud can allow more.',
  },
  'masking-required': {
    what: 'Your organisation lets no prompt be made from history in the cloud.',
    next: 'Ask from the app, which masks what it sends.',
  },
  'models-too-dear': {
    what: 'Every model that could answer this costs more than your organisation allows.',
    next: 'Ask whoever manages this cloud, or name a model.',
  },
  'last-admin': { what: 'This is the only admin of the organisation.', next: 'Make somebody else an admin first.' },
  'provider-unreachable': { what: '{name} could not be reached.', next: 'Try again in a moment.' },
  'provider-refused': { what: '{name} did not sign you in.', next: 'Begin again in the app.' },
  'email-unverified': { what: '{name} does not vouch for your e-mail address.', next: 'Have it confirmed there, then try again.' },
  'not-admitted': { what: 'You have no account at this cloud.', next: 'Ask somebody who manages it for an invitation.' },
  'account-closed': { what: 'Your account is closed.', next: 'Ask somebody who manages this cloud.' },
  'link-over': { what: 'This link is not good, or no longer.', next: 'Ask for a new one.' },
  'time-past': { what: 'This time is over already.', next: 'Choose one that is still to come.' },
  'too-many-keys': { what: 'You have {count} API keys, which is the most.', next: 'Revoke one that is not needed any more.' },
  'secret-key-differs': {
    what: 'The secret key is another than the one that this cloud’s database was set up with.',
    next: 'Set FUSION_CLOUD_KEY to that one, the same for all servers; docs/identity.md says how to begin with a new one.',
  },
  'files-full': { what: 'There is no room left for your files in the cloud.', next: 'Delete some that are not needed, then try again.' },
  'too-many-requests': { what: 'Too many requests came in a short time.', next: 'Wait {seconds} seconds, then try again.' },
  'cloud-model-unknown': { what: 'The cloud has no model called {model}.', next: 'Choose another one of its models.' },
  'model-server-lost': {
    what: 'The server that was answering broke off.',
    next: 'What was written is kept. Ask again; another server may answer.',
  },
  'model-server-refused': { what: 'The server of this model did not take the request.', next: 'Try again, or choose another model.' },
  'line-too-long': {
    what: 'More is being asked of this model than it can answer at the moment.',
    next: 'Try again in {seconds} seconds, or choose another model.',
  },
  'answer-not-continued': {
    what: 'The server that was answering broke off, and with {parameter} no other can go on exactly from there.',
    next: 'What was written is kept. Ask again; another server may answer.',
  },
  'model-servers-down': { what: 'No server of this model answers at the moment.', next: 'Try again in a moment, or choose another model.' },
  'answer-too-long': { what: 'This answer took longer than ten minutes.', next: 'What was written is kept. You can go on from there.' },
  'request-differs': { what: 'This id was used for another request before.', next: 'Use a new id for a new request.' },
  'question-empty': { what: 'This question has no words.', next: 'Write something, then ask again.' },
  'chat-gone': { what: 'This chat was deleted for good.', next: 'Begin a new one under an id of its own.' },
  'changed-elsewhere': { what: 'This was changed somewhere else in the meantime.', next: 'Read it again, then decide anew.' },
  'request-running': { what: 'The same request is still being worked on.', next: 'Wait a moment, then ask again.' },

  // images in answers
  'image-not-written': {
    what: 'This address does not stand as an image in this answer.',
    next: 'Fusion asks for no other. Open it in your browser, if you trust it.',
  },
  'image-svg': {
    what: 'This image is an SVG, which can hold programs, so Fusion does not show it.',
    next: 'Open its address in your browser, if you trust it.',
  },
  'image-unknown': { what: 'What came is not an image that Fusion can show.', next: 'It shows PNG, JPEG, GIF, WebP and AVIF.' },
  'image-too-many-pixels': {
    what: 'This image is too large to be shown here: {width} by {height} pixels.',
    next: 'You can open its address in your browser.',
  },
} satisfies Record<string, Words>

export type Code = keyof typeof words
export const codes = Object.keys(words) as Code[]

/** A failure of this program's own; `detail` fills the words and may hold names and numbers, never what people wrote. */
export function failure(code: Code, detail?: FailureDetail, options: { cause?: unknown; retryable?: boolean } = {}): Failure<Code> {
  return new Failure(code, sentence({ code, message: '', retryable: false, ...(detail && { detail }) }).what, { ...options, detail })
}

/** The words for a failure, whoever made it. An unknown code reads as `internal`. */
export function sentence(body: FailureBody): Words {
  const found: Words = Object.hasOwn(words, body.code) ? words[body.code as Code] : words.internal
  const fill = (text: string) => {
    const filled = text.replace(/\{(\w+)\}/g, (_, name: string) => detailWords(name, body.detail?.[name] ?? defaultWords[name] ?? ''))
    // A stand-in may begin the sentence; a name from the detail stays as it is written.
    const first = /^\{(\w+)\}/.exec(text)?.[1]
    return first && body.detail?.[first] === undefined ? filled.charAt(0).toUpperCase() + filled.slice(1) : filled
  }
  return { what: fill(found.what), next: fill(found.next) }
}

const counts = new Intl.NumberFormat('en')
const days = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long', timeZone: 'UTC' })
/** Counted, and so many that they are read more easily in groups: "1,000,000". The number of a port is not. */
const COUNTED = new Set(['tokens', 'window', 'used', 'budget', 'left', 'needed'])

/** "December 1" of 2026-12-01; all else as it is. */
function detailWords(name: string, detail: string | number | boolean): string {
  if (typeof detail === 'number' && COUNTED.has(name)) return counts.format(detail)
  const day = name === 'date' ? Date.parse(String(detail)) : Number.NaN
  return Number.isNaN(day) ? String(detail) : days.format(day)
}

/** Stand-ins for details that a failure did not bring along, so that a sentence is never left with a hole. */
const defaultWords: Record<string, string> = {
  model: 'the model',
  models: 'more than one',
  name: 'that',
  parameter: 'what was asked for',
  file: 'the file',
  folder: 'its data folder',
  why: 'it is not a chat model',
  needed: 'a lot',
  free: 'too little',
  count: 'Some',
  tokens: 'too many',
  token: 'a number that stands for none',
  window: 'fewer',
  host: 'the host',
  status: 'an error',
  limit: 'Fusion takes',
  width: 'too many',
  height: 'too many',
  port: 'that was chosen',
  seconds: 'a few',
  characters: 'more',
  used: 'all',
  left: 'fewer',
  budget: 'them',
  date: 'the first of the next month',
}
