/** Where the program begins, on a Node that is new enough (bin/portico.js sees to that). */
import { processSurroundings, run } from './cli/program.ts'

process.exitCode = await run(processSurroundings())
