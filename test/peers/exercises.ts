/**
 * What each real server is asked to do, the same whether a client stands directly in front of it or behind a portal.
 * A portal may rename things; `Place` says what they are called where the client stands.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Feature, McpClient } from './clients.ts'

/** How a server's own tool and prompt names read from where the client stands. URIs are the same everywhere. */
export type Place = (original: string) => string

export const UNCHANGED: Place = (original) => original

export interface Exercise {
  /** Completes the sentence "client and server: …". */
  title: string
  /** Where it is set, only clients that have the feature can do this. */
  needs?: Feature
  /** It is about URIs, which several servers may bear: behind a portal only the first of them owns one. */
  byUri?: true
  run(client: McpClient, place: Place): Promise<void>
}

const LONG = 'trigger-long-running-operation'
const DOCUMENT = 'demo://resource/static/document/features.md'

/** server-everything, whatever its transport. */
export const EVERYTHING: readonly Exercise[] = [
  {
    title: 'lists and calls a tool',
    run: async (client, place) => {
      expect(await client.listTools()).toEqual(expect.arrayContaining([place('echo'), place('get-sum')]))
      const message = `to ${client.name}: "ü" \\ \u2028 ${Date.now()}`
      const result = await client.callTool(place('echo'), { message })
      expect(result.content).toEqual([{ type: 'text', text: `Echo: ${message}` }])
    },
  },
  {
    title: 'gets structured content',
    run: async (client, place) => {
      const result = await client.callTool(place('get-structured-content'), { location: 'Chicago' })
      expect(result.structuredContent).toMatchObject({ temperature: 36, conditions: 'Light rain / drizzle' })
    },
  },
  {
    title: 'lists and gets a prompt',
    run: async (client, place) => {
      expect(await client.listPrompts()).toContain(place('args-prompt'))
      const prompt = await client.getPrompt(place('args-prompt'), { city: 'Oslo' })
      expect(prompt.messages[0]?.content.text).toBe("What's weather in Oslo?")
    },
  },
  {
    title: 'lists and reads a resource',
    byUri: true,
    run: async (client) => {
      expect(await client.listResources()).toContain(DOCUMENT)
      const read = await client.readResource(DOCUMENT)
      expect(read.contents[0]?.text).toMatch(/^# Everything Server/)
    },
  },
  {
    title: 'lists a template and reads what it describes',
    byUri: true,
    run: async (client) => {
      expect(await client.listTemplates()).toContain('demo://resource/dynamic/text/{resourceId}')
      const read = await client.readResource('demo://resource/dynamic/text/7')
      expect(read.contents[0]?.text).toMatch(/^Resource 7: /)
    },
  },
  {
    title: 'completes an argument of a prompt',
    needs: 'completion',
    run: async (client, place) => {
      const department = await client.complete({
        ref: { type: 'ref/prompt', name: place('completable-prompt') },
        argument: { name: 'department', value: 'E' },
      })
      expect(department).toEqual(['Engineering'])
    },
  },
  {
    title: 'completes a variable of a template',
    needs: 'completion',
    byUri: true,
    run: async (client) => {
      const id = await client.complete({
        ref: { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
        argument: { name: 'resourceId', value: '5' },
      })
      expect(id).toEqual(['5'])
    },
  },
  {
    title: 'hears of progress while a tool runs',
    needs: 'progress',
    run: async (client, place) => {
      const heard: unknown[] = []
      const onprogress = (progress: unknown) => heard.push(progress)
      const result = await client.callTool(place(LONG), { duration: 0.3, steps: 3 }, { onprogress })
      expect(result.content[0]?.text).toMatch(/^Long running operation completed/)
      // The last step and the result are written at once; a client may settle on the result before it tells of the step.
      expect(heard.slice(0, 2)).toMatchObject([
        { progress: 1, total: 3 },
        { progress: 2, total: 3 },
      ])
    },
  },
  {
    title: 'cancels a call that runs and goes on',
    needs: 'cancellation',
    run: async (client, place) => {
      const stop = new AbortController()
      const call = client.callTool(
        place(LONG),
        { duration: 5, steps: 50 },
        { signal: stop.signal, onprogress: () => stop.abort(new Error('enough')) },
      )
      await expect(call).rejects.toThrow(/enough|abort|cancel/i)
      const after = await client.callTool(place('get-sum'), { a: 2, b: 40 })
      expect(after.content[0]?.text).toMatch(/\b42\b/)
    },
  },
]

/** server-filesystem over a directory that holds nothing of value. */
export function filesystemExercises(dir: string): readonly Exercise[] {
  return [
    {
      title: 'lists and calls a tool',
      run: async (client, place) => {
        expect(await client.listTools()).toContain(place('read_text_file'))
        const path = join(dir, `${client.name.replaceAll(' ', '-')}-read.txt`)
        await writeFile(path, 'from the disk')
        const result = await client.callTool(place('read_text_file'), { path })
        expect(result.content[0]?.text).toBe('from the disk')
      },
    },
    {
      title: 'changes the world and is told when it may not',
      run: async (client, place) => {
        const path = join(dir, `${client.name.replaceAll(' ', '-')}-written.txt`)
        await client.callTool(place('write_file'), { path, content: 'to the disk' })
        expect(await readFile(path, 'utf8')).toBe('to the disk')
        const outside = await client.callTool(place('read_text_file'), { path: '/etc/hostname' })
        expect(outside.isError).toBe(true)
      },
    },
  ]
}

/** server-memory, here behind mcp-proxy: a peer of the 2026 era. */
export const MEMORY: readonly Exercise[] = [
  {
    title: 'lists and calls a tool',
    run: async (client, place) => {
      expect(await client.listTools()).toContain(place('create_entities'))
      const entity = { name: `${client.name} ${Date.now()}`, entityType: 'client', observations: ['was here'] }
      const created = await client.callTool(place('create_entities'), { entities: [entity] })
      expect(created.structuredContent).toEqual({ entities: [entity] })
      const found = await client.callTool(place('open_nodes'), { names: [entity.name] })
      expect(found.structuredContent).toMatchObject({ entities: [entity] })
    },
  },
  {
    title: 'lists and reads a resource',
    byUri: true,
    run: async (client) => {
      const uri = 'memory://knowledge-graph'
      expect(await client.listResources()).toContain(uri)
      const read = await client.readResource(uri)
      expect(JSON.parse(read.contents[0]?.text ?? '')).toHaveProperty('entities')
    },
  },
]
