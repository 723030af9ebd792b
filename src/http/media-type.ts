export type MediaType = 'application/json' | 'text/event-stream' | 'application/x-ndjson';

const streams = ['text/event-stream', 'application/x-ndjson'] as const;

/**
 * The form of a reply, from `Accept` (RFC 9110, §12.5.1). A stream is sent only to a client that names it, with a
 * greater weight than JSON where it names both: clients that are generated from the API's description name whatever there
 * is. Everything else, `text/html` of a browser included, gets JSON.
 */
export function mediaType(accept: string | undefined): MediaType {
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return 'application/json';
  const weights = weightsOf(accept);
  let best: MediaType = 'application/json';
  let bestWeight = weights.get(best) ?? 0;
  for (const stream of streams) {
    const weight = weights.get(stream) ?? 0;
    if (weight > bestWeight) {
      best = stream;
      bestWeight = weight;
    }
  }
  return best;
}

function weightsOf(accept: string): Map<string, number> {
  return new Map(accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((text) => text.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = q === undefined ? 1 : Number(q.slice(2));
    return [type, Number.isFinite(weight) ? weight : 0] as const;
  }));
}
