import { z } from 'zod';
import { Failure } from '../core/failure.ts';
import { operation } from '../core/operation.ts';
import { onlyKnown } from '../sources/only-known.ts';
import { excerpt, excerptMax, Sentiment } from '../sources/sentiment.ts';
import type { Sources } from '../sources/sources.ts';

const textMax = 10_000;
const expectedText = `expected a text of 1 to ${textMax} characters that is not blank`;
const expectedLength = `expected a whole number from 1 to ${excerptMax}, of how many characters the model reads`;

const fields = {
  text: z.string(expectedText).max(textMax, expectedText).refine((text) => text.trim() !== '', expectedText).refine((text) => text.isWellFormed(), 'expected text without halves of characters').meta({ minLength: 1, pattern: '[^\\s\\ufeff]' }),
  max_length: z.int(expectedLength).min(1, expectedLength).max(excerptMax, expectedLength).default(excerptMax),
};
const Text = z.strictObject(fields, onlyKnown('fields', Object.keys(fields)));

/** Whether a text is positive or negative, from the model in its own process. */
export const analyzeSentiment = ({ sentiment }: Sources) =>
  operation({
    name: 'analyze-sentiment',
    summary: 'Whether a text is positive or negative',
    input: z.object({}),
    body: Text,
    deadline: '3s',
    access: 'authenticated',
    answers: { 200: Sentiment },
    fails: ['unavailable'],
    perform: async ({ body: { text, max_length } }, call) => ({ status: 200, body: await sentiment(excerpt(text, max_length), call).catch(modelIsDown) }),
  });

/** There is no answer but the model's: where it is down, so is this, for a while. */
function modelIsDown(error: unknown): never {
  if (!(error instanceof Failure) || error.code !== 'source_failed') throw error;
  throw new Failure('unavailable', 'the sentiment model is not available', { cause: error, retryAfterMs: error.retryAfterMs ?? 1_000 });
}
