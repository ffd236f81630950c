/** One request with headers that fetch would not send, such as a Host of one's own. */
import { request } from 'node:http'

export interface RawHttpAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

export function rawRequest(url: string, headers: Record<string, string>, method = 'GET'): Promise<RawHttpAnswer> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { agent: false, headers, method }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { statusCode = 0, headers: answered } = response
        resolve({ status: statusCode, headers: answered, body: Buffer.concat(chunks).toString() })
      })
    })
    asking.on('error', reject)
    asking.end()
  })
}
