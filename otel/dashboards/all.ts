import { cache } from './cache.ts';
import { parts } from './parts.ts';
import { red } from './red.ts';
import { saturation } from './saturation.ts';
import { whyWasItSlow } from './why-was-it-slow.ts';

/** By the name of its file, without the ending. */
export const boards: Readonly<Record<string, object>> = { red, parts, cache, saturation, 'why-was-it-slow': whyWasItSlow };

/** What is in its file. */
export const written = (board: object): string => `${JSON.stringify(board, undefined, 2)}\n`;
