import { join } from 'node:path';
import { findPython } from '../sentiment/python.ts';
import { untilOk } from './until-ok.ts';
import { say } from './voice.ts';
import type { Part, Stage } from './services.ts';

/** FastAPI takes its time to be imported. */
const READY_LIMIT_MS = 30_000;

/** The sentiment model: by Python where its packages are, else its Node twin; says which. Downloads nothing. */
export async function runSentiment(stage: Stage, { host, port }: { readonly host: string; readonly port: number }, run: (stage: Stage, part: Part) => Promise<unknown>): Promise<string> {
  const python = await findPython(join(stage.root, '.tributary', 'python'));
  const model = 'command' in python ? { command: python.command, args: ['demo/sentiment/main.py'] } : { args: ['demo/sentiment/main.ts'] };
  if ('missing' in python) say('sentiment', { text: `${python.missing}; so this is its Node twin`, tone: 'plain' });
  await run(stage, {
    name: 'sentiment model',
    ...model,
    env: { PORT: String(port), HOST: host, PYTHONDONTWRITEBYTECODE: '1' },
    onLine: (text) => say('sentiment', { text, tone: 'plain' }),
    endLimitMs: 3_000,
  });
  const url = `http://${host}:${port}`;
  await untilOk(`${url}/health`, READY_LIMIT_MS, stage.ending);
  return url;
}
