/**
 * What a model wrote, as one expression that is an async function without parameters. Models wrap code in fences, export it, name it,
 * or write only what is in the function; each is taken for what it plainly means, and nothing is guessed beyond that.
 */
import { type Node, type Options, type Program, parse, parseExpressionAt } from 'acorn'

/** @returns `wrong` in words for the model where it is no such code */
export function normaliseCode(text: string): { code: string } | { wrong: string } {
  const source = withoutFence(text).trim()
  try {
    return { code: source === '' ? 'async () => {}' : asFunction(source) }
  } catch (error) {
    return { wrong: wordsFor(error) }
  }
}

/** A block of Markdown that is all there is. */
const FENCE = /^\s*```[a-zA-Z]*[ \t]*\r?\n([\s\S]*?)\r?\n?\s*```\s*$/

function withoutFence(text: string): string {
  return FENCE.exec(text)?.[1] ?? text
}

/** @throws SyntaxError, Unfit */
function asFunction(source: string): string {
  const whole = source.replace(/;+$/, '')
  const alone = functionIn(whole)
  if (alone !== null) return called(whole, alone)
  const { body } = parseSource(source)
  const [first] = body
  if (first !== undefined && body.length === 1) {
    if (first.type === 'ExpressionStatement' && isFunction(first.expression)) return called(source, first.expression)
    if (first.type === 'FunctionDeclaration') return `async () => {\n${source}\nreturn await ${nameOf(first)}()\n}`
    if (first.type === 'ExportDefaultDeclaration') return exported(source, first.declaration)
  }
  const odd = body.find(({ type }) => type.startsWith('Import') || type.startsWith('Export'))
  if (odd !== undefined) throw new Unfit('Code cannot import or export anything: what there is, is `codemode`.')
  const last = body.at(-1)
  if (last?.type !== 'ExpressionStatement') return `async () => {\n${source}\n}`
  const { start, end } = last.expression
  return `async () => {\n${source.slice(0, last.start)}\nreturn (\n${source.slice(start, end)}\n)\n}`
}

/** What is all one function expression; without a name, or `async`, it is no statement. */
function functionIn(source: string): Functional | null {
  try {
    const node = parseExpressionAt(source, 0, OPTIONS)
    const rest = parse(source.slice(node.end), OPTIONS)
    return isFunction(node) && rest.body.length === 0 ? node : null
  } catch (error) {
    // It is something else then, or nothing: that is said where it is read whole.
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function parseSource(source: string): Program {
  return parse(source, OPTIONS)
}

const OPTIONS: Options = {
  ecmaVersion: 'latest',
  sourceType: 'module',
  allowAwaitOutsideFunction: true,
  allowReturnOutsideFunction: true,
}

type Functional = Node & { async: boolean; params: readonly Node[] }

function isFunction(node: Node): node is Functional {
  return node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression'
}

function called(source: string, node: Functional): string {
  const text = source.slice(node.start, node.end)
  return node.async && node.params.length === 0 ? text : `async () => await (${text})()`
}

function exported(source: string, declaration: Node): string {
  const text = source.slice(declaration.start, declaration.end)
  if (isFunction(declaration)) return called(source, declaration)
  return declaration.type === 'FunctionDeclaration' ? `async () => await (${text})()` : `async () => (\n${text}\n)`
}

function nameOf(node: Node): string {
  const { id } = node as Node & { id?: { name?: string } | null }
  if (id?.name === undefined) throw new Unfit('The function has no name.')
  return id.name
}

/** It is JavaScript, and cannot be run here. */
class Unfit extends Error {}

function wordsFor(error: unknown): string {
  if (error instanceof Unfit) return error.message
  if (error instanceof SyntaxError)
    return `This is no JavaScript: ${error.message} (line:column). Write one async arrow function, without types.`
  // A parser that runs out of stack says so, and nothing else can go wrong in it.
  if (error instanceof RangeError) return 'The code is nested too deeply.'
  throw error
}
