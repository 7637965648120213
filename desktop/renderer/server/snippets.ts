/** Where and as whom a program talks to the local API. */
export interface Access {
  /** Such as `http://127.0.0.1:4310/v1`. */
  address: string
  key: string
  model: string
}

export interface Client {
  label: string
  /** For the colours. */
  language: string
  /** What has to be installed first; null: nothing. */
  install: string | null
  code: (access: Access) => string
}

/** A file's name may hold a quote: the strings of JSON are those of Python and JavaScript too. */
const quoted = (text: string) => JSON.stringify(text)
/** For a POSIX shell. */
const shellQuoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

/** How the common clients are told to use the local API: whole programs that run as they stand. */
export const clients: readonly Client[] = [
  {
    label: 'curl',
    language: 'bash',
    install: null,
    code: ({ address, key, model }) =>
      [
        `curl ${address}/chat/completions \\`,
        `  -H 'Authorization: Bearer ${key}' \\`,
        `  -H 'Content-Type: application/json' \\`,
        `  -d ${shellQuoted(`{\n    "model": ${quoted(model)},\n    "messages": [{"role": "user", "content": "Hello"}]\n  }`)}`,
      ].join('\n'),
  },
  {
    label: 'Python',
    language: 'python',
    install: 'pip install openai',
    code: ({ address, key, model }) => `from openai import OpenAI

client = OpenAI(
    base_url=${quoted(address)},
    api_key=${quoted(key)},
)
answer = client.chat.completions.create(
    model=${quoted(model)},
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`,
  },
  {
    label: 'Node',
    language: 'javascript',
    install: 'npm install openai',
    code: ({ address, key, model }) => `import OpenAI from "openai"

const client = new OpenAI({
  baseURL: ${quoted(address)},
  apiKey: ${quoted(key)},
})
const answer = await client.chat.completions.create({
  model: ${quoted(model)},
  messages: [{ role: "user", content: "Hello" }],
})
console.log(answer.choices[0].message.content)`,
  },
  {
    label: 'LangChain',
    language: 'python',
    install: 'pip install langchain-openai',
    code: ({ address, key, model }) => `from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    base_url=${quoted(address)},
    api_key=${quoted(key)},
    model=${quoted(model)},
)
print(model.invoke("Hello").content)`,
  },
]
