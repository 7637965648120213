// Packages for Python and the command-line tool `llm`, with a real engine. They are Python's own; here they are started and judged.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest'
import { ANSWER, ENVIRONMENT_KEY, GUIDE, judgedEngine, QUESTION } from '../../testing/judged-engine.ts'
import { findPython } from '../../testing/python-packages.ts'

const engine = judgedEngine()
const folder = mkdtempSync(join(tmpdir(), 'fusion-python-'))
let found: ReturnType<typeof findPython>
// Installing the packages takes its time, once.
beforeAll(() => void (found = findPython()), 300_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** In CI what is missing is a failure. */
function pythonFor({ skip }: TestContext): string {
  if ('python' in found) return found.python
  if (process.env['CI']) throw new Error(found.missing)
  return skip(found.missing)
}

interface Ended {
  code: number
  stdout: string
  stderr: string
}

function run(python: string, args: string[], input = ''): Promise<Ended> {
  const env = {
    ...process.env,
    OPENAI_BASE_URL: engine.baseURL,
    OPENAI_API_KEY: ENVIRONMENT_KEY,
    JUDGED_MODEL: GUIDE,
    JUDGED_QUESTION: QUESTION,
    JUDGED_ANSWER: ANSWER,
    LLM_USER_PATH: folder,
    PYTHONDONTWRITEBYTECODE: '1',
  }
  return new Promise(resolve => {
    const child = execFile(python, args, { env, cwd: import.meta.dirname }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr })
    })
    child.stdin!.end(input)
  })
}

test.for(['openai_judge.py', 'langchain_judge.py'])('%s finds all as it should be', async (script, context) => {
  const { code, stderr } = await run(pythonFor(context), [script])
  expect(code, stderr).toBe(0)
})

/** `llm`, which knows the guide by the name "guide". */
function llm(python: string, args: string[], input?: string): Promise<Ended> {
  mkdirSync(folder, { recursive: true })
  const model = {
    model_id: 'guide',
    model_name: GUIDE,
    api_base: engine.baseURL,
    api_key_name: 'fusion',
    supports_schema: true,
    supports_tools: true,
  }
  // JSON is YAML too.
  writeFileSync(join(folder, 'extra-openai-models.yaml'), JSON.stringify([model]))
  return run(python, ['-m', 'llm', ...args], input)
}

test('llm answers in a terminal as it streams and whole, reads what is piped to it, and goes on with a chat', async context => {
  const python = pythonFor(context)
  const asked = ['--model', 'guide', '--key', ENVIRONMENT_KEY, '--option', 'temperature', '0']
  const answered = { code: 0, stdout: `${ANSWER}\n`, stderr: '' }
  expect(await llm(python, [...asked, QUESTION])).toEqual(answered)
  expect(await llm(python, [...asked, '--no-stream'], QUESTION)).toEqual(answered)
  const next = await llm(python, [...asked, '--continue', '--usage', 'And what is Fusion?'])
  expect(next).toMatchObject({ code: 0, stdout: expect.stringContaining('Fusion') })
  expect(next.stderr).toMatch(/Token usage: \d\d input, \d+ output/)
})

test('llm has an answer held to a schema', async context => {
  const python = pythonFor(context)
  const schema = JSON.stringify({
    type: 'object',
    properties: { open: { type: 'boolean' } },
    required: ['open'],
    additionalProperties: false,
  })
  const asked = ['--model', 'guide', '--key', ENVIRONMENT_KEY, '--option', 'temperature', '0', '--schema', schema]
  const { code, stdout } = await llm(python, [...asked, 'Is it open?'])
  expect({ code, answer: JSON.parse(stdout) as unknown }).toEqual({ code: 0, answer: { open: expect.any(Boolean) } })
})

test('llm says what went wrong in the words of the server', async context => {
  const python = pythonFor(context)
  const refused = await llm(python, ['--model', 'guide', '--key', 'wrong', QUESTION])
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toContain('401 - This key is not one of the local API')
})
