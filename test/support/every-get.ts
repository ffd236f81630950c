/** Every GET route of the REST API with everything that there is in the place of names in braces, for what must hold for each answer. */

export interface EveryGet {
  /** @returns the body, as far as it has an end */
  ask(path: string): Promise<string>
  /** Of one list at most so many; default all. */
  most?: number
}

/** @param url of the portal @returns paths that can be asked as they are */
export async function everyGet(url: string, { ask, most = Number.POSITIVE_INFINITY }: EveryGet): Promise<string[]> {
  const lists = new Map<string, Promise<string[]>>()
  const idsIn = (list: string): Promise<string[]> => {
    const found =
      lists.get(list) ?? ask(list).then((text) => [...text.matchAll(/"id":"([^"]+)"/g)].map(([, id = '']) => id))
    lists.set(list, found)
    return found
  }
  const concrete = async (path: string): Promise<string[]> => {
    const [, before, after = ''] = /^(.*?)\/\{[^}]+\}(.*)$/.exec(path) ?? []
    if (before === undefined) return [path]
    const found = new Set<string>()
    for (const list of await concrete(before))
      for (const id of [...new Set(await idsIn(list))].slice(0, most)) found.add(`${list}/${id}${after}`)
    return (await Promise.all([...found].map(concrete))).flat()
  }
  const { paths } = JSON.parse(await (await fetch(`${url}/openapi.json`)).text()) as {
    paths: Record<string, { get?: object }>
  }
  const all: string[] = []
  for (const [path, { get }] of Object.entries(paths))
    if (get !== undefined) all.push(...(await concrete(path.replace('{account_id}', 'default'))))
  return all
}
