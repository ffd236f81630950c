/** What to do in each client so that it reaches the portal. The shapes come from `contract/`, the words from here. */
import { html } from 'hono/html'
import { type Client, type ClientEntry, commandsFor, configFor, linkFor } from '../contract/client-config.ts'
import type { Markup } from './page.ts'

const SIGN_IN = { kind: 'sign-in' } as const

interface Guide {
  title: string
  body(entry: ClientEntry): Markup
}

const GUIDES: readonly Guide[] = [
  {
    title: 'Claude Code',
    body: (entry) =>
      html`<p>In a terminal:</p>
        ${commands('claude-code', entry)}
        <p>Then start <code>claude</code>, type <code>/mcp</code>, choose <code>${entry.name}</code> and sign in.</p>`,
  },
  {
    title: 'Claude Desktop and claude.ai',
    body: (entry) =>
      html`<p>Open Settings, then Connectors, then “Add custom connector”, and give it this address:</p>
        ${text(entry.url, 'the address')}
        <p>
          Connectors are reached from Anthropic’s side, so the portal must be on the internet. Where it is not, put this into
          <code>${configFor('claude-desktop', entry, SIGN_IN).file}</code> (Settings, Developer, Edit Config); it needs Node.js:
        </p>
        ${file('claude-desktop', entry)}`,
  },
  {
    title: 'Cursor',
    body: (entry) =>
      html`${link('cursor', entry, 'Add to Cursor')}
        <p>or put this into <code>${configFor('cursor', entry, SIGN_IN).file}</code>:</p>
        ${file('cursor', entry)}`,
  },
  {
    title: 'VS Code',
    body: (entry) =>
      html`${link('vscode', entry, 'Add to VS Code')}
        <p>or put this into <code>${configFor('vscode', entry, SIGN_IN).file}</code> of a project:</p>
        ${file('vscode', entry)}`,
  },
  {
    title: 'Windsurf',
    body: (entry) =>
      html`<p>Put this into <code>${configFor('windsurf', entry, SIGN_IN).file}</code>, then refresh the list of servers:</p>
        ${file('windsurf', entry)}`,
  },
  {
    title: 'Zed',
    body: (entry) =>
      html`<p>Run the action <code>zed: open settings file</code> and add:</p>
        ${file('zed', entry)}`,
  },
  {
    title: 'Codex',
    body: (entry) =>
      html`<p>In a terminal:</p>
        ${commands('codex', entry)}
        <p>or put this into <code>${configFor('codex', entry, SIGN_IN).file}</code>, then log in with the second command:</p>
        ${file('codex', entry)}`,
  },
  {
    title: 'Gemini CLI',
    body: (entry) =>
      html`<p>In a terminal:</p>
        ${commands('gemini-cli', entry)}
        <p>
          or put this into <code>${configFor('gemini-cli', entry, SIGN_IN).file}</code>; then type
          <code>/mcp auth ${entry.name}</code> in Gemini:
        </p>
        ${file('gemini-cli', entry)}`,
  },
  {
    title: 'Any other client',
    body: (entry) =>
      html`<p>A client that speaks streamable HTTP takes the address as it is, and opens a browser to sign in:</p>
        ${text(entry.url, 'the address')}
        <p>One that only starts programs takes this command; it needs Node.js:</p>
        ${commands('mcp-remote', entry)}`,
  },
]

/** One section a client, the first of them open; they work by keyboard and without script. */
export function clientGuides(entry: ClientEntry): Markup {
  return html`${GUIDES.map(
    ({ title, body }, at) => html`<details name="client" ${at === 0 ? 'open' : ''}>
      <summary>${title}</summary>
      <div>${body(entry)}</div>
    </details>`,
  )}`
}

function commands(client: Client | 'mcp-remote', entry: ClientEntry): Markup {
  return html`${commandsFor(client, entry).map((command) => text(command, 'the command'))}`
}

function file(client: Client, entry: ClientEntry): Markup {
  return text(configFor(client, entry, SIGN_IN).text, 'the configuration')
}

function link(client: Client, entry: ClientEntry, label: string): Markup {
  return html`<p><a class="button" href="${linkFor(client, entry) ?? ''}">${label}</a></p>`
}

/** @param what names it for who hears the page */
export function text(content: string, what: string): Markup {
  return html`<div class="copyable"><pre data-copy="${what}" tabindex="0">${content}</pre></div>`
}
