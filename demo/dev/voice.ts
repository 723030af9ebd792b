import { styleText } from 'node:util';
import type { LogLine } from './log-line.ts';

const NAME_WIDTH = 'recommender'.length;
const STYLES = { plain: 'reset', warning: 'yellow', error: 'red' } as const;

/** A line of one of the parts, with its name dimmed before it. Colours only where there is a terminal to show them. */
export function say(name: string, { text, tone }: LogLine): void {
  const prefix = styleText('dim', `${name.padStart(NAME_WIDTH)} │ `);
  for (const line of text.split('\n')) {
    console.log(prefix + (tone === 'plain' ? line : styleText(STYLES[tone], line)));
  }
}

/** Something that we ourselves have to say. */
export function tell(text: string): void {
  say('dev', { text, tone: 'plain' });
}

export function complain(text: string): void {
  say('dev', { text, tone: 'error' });
}
