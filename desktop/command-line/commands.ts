import type { Command } from './command.ts'
import { help } from './help.ts'

const asJson = { json: { about: 'one JSON object, for programs' } }

/** All that `fusion` can do, in the order of the help. */
export const commands: Command[] = [
  {
    name: 'chat',
    usage: '[options] [prompt]',
    about: 'asks a model on this computer; without a prompt, talks with you',
    details: [
      'The answer goes to standard output as it is written. What comes by standard input is read too, and stands after the prompt.',
      'Nothing that is asked or answered here is kept; chats that are kept are in the window.',
    ],
    options: {
      model: { short: 'm', value: 'NAME', about: 'which model: a part of its name, or the beginning of its id' },
      system: { value: 'TEXT', about: 'what the model is told before everything else' },
      temperature: { value: 'NUMBER', about: '0 always takes the likeliest word; up to 2 varies more' },
      'max-tokens': { value: 'NUMBER', about: 'the answer ends after so many' },
      json: { about: 'one JSON object with text, model and usage, for programs' },
    },
    examples: [
      ['fusion chat "What can you do?"', ''],
      ['fusion chat "Sum this up in one sentence:" < notes.txt', ''],
      ['git diff | fusion chat -m qwen "Write a commit message for this."', ''],
      ['fusion chat', 'a talk, until Ctrl-D'],
    ],
    run: async (given, tools) => (await import('./chat/chat.ts')).chat(given, tools),
  },
  {
    name: 'models list',
    usage: '[--json]',
    about: 'the models that are here',
    options: asJson,
    run: async (given, tools) => (await import('./models/models.ts')).listModels(given, tools),
  },
  {
    name: 'models add',
    usage: 'PATH [--json]',
    about: 'takes a GGUF file where it lies',
    options: asJson,
    examples: [['fusion models add ~/Downloads/qwen2.5-7b-instruct-q4_k_m.gguf', '']],
    run: async (given, tools) => (await import('./models/models.ts')).addModel(given, tools),
  },
  {
    name: 'models remove',
    usage: 'NAME [--delete-file] [--json]',
    about: 'forgets a model; its file stays',
    options: { 'delete-file': { about: 'deletes the file too, if it lies in the data folder' }, ...asJson },
    examples: [['fusion models remove qwen', '']],
    run: async (given, tools) => (await import('./models/models.ts')).removeModel(given, tools),
  },
  {
    name: 'models load',
    usage: 'NAME [--json]',
    about: 'loads a model in the Fusion that runs, so that its first answer comes at once',
    options: asJson,
    run: async (given, tools) => (await import('./models/models.ts')).loadModel(given, tools),
  },
  {
    name: 'models unload',
    usage: 'NAME [--json]',
    about: 'gives its memory back',
    options: asJson,
    run: async (given, tools) => (await import('./models/models.ts')).unloadModel(given, tools),
  },
  {
    name: 'export',
    usage: '[options]',
    about: 'writes all chats as Markdown or JSON',
    details: [
      'Markdown: a folder with one file for each chat, of the branch that is shown. JSON: one file with all branches and attached texts.',
      'Nothing that is there is written over.',
    ],
    options: {
      format: { value: 'markdown|json', about: 'markdown, if nothing is said' },
      output: { value: 'PLACE', about: 'a new folder, or for JSON a new file; - writes JSON to standard output' },
      trash: { about: 'chats in the trash too' },
    },
    examples: [
      ['fusion export --output my-chats', ''],
      ["fusion export --format json --output - | jq '.chats[].title'", ''],
    ],
    run: async (given, tools) => (await import('./export/export.ts')).exportChats(given, tools),
  },
  {
    name: 'doctor',
    usage: '[--quick] [--json]',
    about: 'looks at this computer and at your data: what is wrong, and what to do',
    details: ['Exit code 1: something is wrong. Nothing is changed.'],
    options: { quick: { about: 'does not read models and chats whole' }, ...asJson },
    run: async (given, tools) => (await import('./doctor/doctor.ts')).doctor(given, tools),
  },
  {
    name: 'serve',
    usage: '',
    about: 'runs Fusion without a window, and prints the address for a browser',
    details: [
      'FUSION_PORT sets the port (4310; 0 picks one). While it runs, the other commands use it, and models stay loaded between them.',
      'Ctrl-C ends it.',
    ],
    options: {},
    run: async (given, tools) => (await import('./serve.ts')).serve(given, tools),
  },
  {
    name: 'help',
    usage: '[command]',
    about: 'says how a command is used',
    options: {},
    run: (given, tools) => help(given.words, commands, tools.terminal),
  },
]
