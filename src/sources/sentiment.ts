import { z } from 'zod';
import type { Call } from '../core/call.ts';
import { Failure } from '../core/failure.ts';
import { JsonText } from '../core/json-text.ts';
import type { Source } from '../core/source.ts';
import { source } from '../policies/source.ts';
import type { Systems } from './systems.ts';

/** What models of this kind read at most. Of a longer text they read the beginning. */
export const excerptMax = 512;

/** The beginning of a text, as long as what the model reads. */
export type Excerpt = { readonly text: string };

/** Counted in code points, so that no character is cut in half; without white space around it, which says nothing. */
export function excerpt(text: string, length: number = excerptMax): Excerpt {
  const trimmed = text.trim();
  if (trimmed.length <= length) return { text: trimmed };
  let end = 0;
  for (let count = 0; count < length && end < trimmed.length; count++) end += trimmed.codePointAt(end)! > 0xffff ? 2 : 1;
  return { text: trimmed.slice(0, end) };
}

export const Sentiment = z.object({
  sentiment: z.enum(['POSITIVE', 'NEGATIVE', 'NEUTRAL']),
  confidence: z.number().min(0).max(1),
  /** Which model says so. */
  model: z.string(),
}).meta({ id: 'Sentiment' });
export type Sentiment = z.infer<typeof Sentiment>;

/** What is not a word of text says nothing, and to ask a model about it is an error. */
const nothingSaid = new JsonText<Sentiment>('{"sentiment":"NEUTRAL","confidence":0,"model":"none"}');

const notSetUp: Source<Excerpt, JsonText<Sentiment>> = () => Promise.reject(new Failure('unavailable', 'sentiment analysis is not set up here', { retryAfterMs: 60_000 }));

export const sentiment = ({ sentiment: model, cache }: Systems) =>
  source({
    name: 'sentiment',
    answers: Sentiment,
    load: model
      ? async ({ text }: Excerpt, call: Call) => {
          if (text === '') return nothingSaid;
          return model.post({ path: '/analyze-sentiment', body: { text, max_length: excerptMax }, answer: Sentiment, safe: true }, call).catch(noModel);
        }
      : notSetUp,
    // It computes on every core it has; longer than two seconds it hangs.
    guard: { slow: '2s' },
    retry: true,
    // More than eight at a time only make a model slower. A hundred who wait are what one answers in a second or two.
    limit: { underWay: 8, waiting: 100 },
    // The same text means the same as long as the model does, and an operator says when that changes. In the shared tier the key is a hash.
    cache: { in: cache, by: ['text'], fresh: '60m', staleIfError: '720m', tags: () => ['sentiment:model'] },
  });

/** A 404 is no answer about a text: what is there is another service. A list would leave out what is not found, and be out of step. */
function noModel(error: unknown): never {
  if (error instanceof Failure && error.code === 'not_found') throw new Failure('source_failed', 'the sentiment model is not where it is said to be', { cause: error });
  throw error;
}
