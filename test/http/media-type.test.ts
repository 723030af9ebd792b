import { expect, test } from 'vitest';
import { mediaType } from '../../src/http/media-type.ts';

const json = 'application/json';
const sse = 'text/event-stream';
const ndjson = 'application/x-ndjson';

test.each([
  // Nothing that names a stream gets JSON.
  [undefined, json],
  ['', json],
  ['*/*', json],
  ['application/*', json],
  ['text/*', json],
  ['application/json', json],
  ['application/problem+json', json],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', json],
  ['nonsense', json],
  [',;,q=1', json],
  // A stream that is named gets it, whatever else would do as well.
  ['text/event-stream', sse],
  ['application/x-ndjson', ndjson],
  ['text/event-stream, */*', sse],
  ['*/*;q=0.9, text/event-stream;q=0.1', sse],
  ['TEXT/Event-Stream', sse],
  [' text/event-stream ; q=0.5 ', sse],
  ['text/event-stream;charset=utf-8', sse],
  ['text/event-stream;charset=utf-8;q=0.2', sse],
  // Where JSON is named too, the weights decide, and JSON wins a tie: generated clients name all that there is.
  ['application/json, application/x-ndjson, application/problem+json', json],
  ['application/json, text/event-stream', json],
  ['text/event-stream, application/json', json],
  ['application/json;q=0.5, text/event-stream;q=0.5', json],
  ['application/json;q=0.4, text/event-stream;q=0.5', sse],
  ['application/json;q=0.5, text/event-stream;q=0.4', json],
  ['application/json;q=0.5, text/event-stream', sse],
  ['application/json, application/x-ndjson;q=0.9', json],
  ['application/json;q=0, application/x-ndjson;q=0.001', ndjson],
  // Of two streams the one that weighs more, or else server-sent events.
  ['application/x-ndjson, text/event-stream', sse],
  ['application/x-ndjson;q=0.9, text/event-stream;q=0.8', ndjson],
  ['application/json;q=0.9, application/x-ndjson, text/event-stream;q=0.9', ndjson],
  // A weight of nothing refuses, and one that is no number does not count.
  ['text/event-stream;q=0', json],
  ['text/event-stream;q=0.000, application/x-ndjson;q=0', json],
  ['text/event-stream;q=much', json],
  ['text/event-stream;q=', json],
  ['text/event-stream;q=Infinity', json],
  ['application/json;q=much, text/event-stream;q=0.5', sse],
])('%j is answered with %s', (accept, type) => {
  expect(mediaType(accept)).toBe(type);
});
