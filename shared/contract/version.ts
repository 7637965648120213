// The versions of the contract, one line each. The page and the engine ship together, so a difference means a page that
// was left open over an update: it reloads.
//
//  1  The first one.
//  2  `images.read`: the bytes of an image that stands in an answer and that the person asked to see.
//  3  `models.answer`: an answer that belongs to no chat. `chats.branches`: all messages of a chat.
//  4  `api`: the local API's state and keys; its settings.
//  5  `account`: signing in to the cloud, and its models. `turns.agree`; a turn may be `asking` or `connecting`.
//  6  A segment may say why its model was chosen.
//  7  A turn may be `waking-model` or `retrying`, and says its place in the cloud's line. A segment may say that little is left of a budget.

export const CONTRACT_VERSION = 7
