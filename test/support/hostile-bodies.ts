import { body, gzipped, json, type Answer } from './answers.ts';

/** Not JSON, or not JSON all the way. Every one has to end as a bad upstream, never as a crash or as data. */
export const unreadableBodies: Readonly<Record<string, Answer>> = {
  'no body': body(''),
  'half of the JSON': body('{"recommendations": ["a", '),
  'an HTML page': body('<!doctype html><title>Sign in</title>', { headers: { 'content-type': 'text/html' } }),
  'JSON with more after it': body('{"recommendations": []} trailing'),
  // JSON to whoever repairs it with U+FFFD while decoding; passed on as it is, it would break our own reply.
  'invalid UTF-8 in a string': body(Buffer.from('{"recommendations": ["\xff\xfe"]}', 'latin1')),
  'a raw NUL in a string': body('{"recommendations": ["\u0000"]}'),
  'compressed though nobody asked': gzipped('{"recommendations": []}'),
  'nesting without end': body('['.repeat(500_000)),
  'not a number': body('{"recommendations": NaN}'),
};

/** JSON, but of no shape anybody asked for. */
export const wrongShapes: Readonly<Record<string, Answer>> = {
  null: json(null),
  true: json(true),
  'a number': json(42),
  'a string': json('recommendations'),
  'an empty list': json([]),
  'an empty object': json({}),
  'a list of lists': json([[[]]]),
  'everything under another key': json({ data: { recommendations: ['a'] } }),
  'an object where a list belongs': json({ recommendations: { 0: 'a', length: 1 } }),
  'a list of the wrong things': json({ recommendations: [1, null, { name: 'a' }] }),
  'nesting that ends': body('['.repeat(2_000) + ']'.repeat(2_000)),
};

/**
 * JSON that tries to reach a prototype. Texts, because an object literal with `__proto__` has already been obeyed
 * by the time it is stringified. If `({}).polluted` is ever defined, one of them got through.
 */
export const prototypeTexts: Readonly<Record<string, string>> = {
  'the key __proto__': '{"__proto__": {"polluted": true}, "recommendations": []}',
  'the key constructor': '{"constructor": {"prototype": {"polluted": true}}, "recommendations": []}',
  'an element': '{"recommendations": [{"__proto__": {"polluted": true}}]}',
  'the list': '{"recommendations": {"__proto__": []}}',
  'escaped letters': String.raw`{"\u005f_proto__": {"polluted": true}, "recommendations": []}`,
  'a method': '{"toString": "polluted", "hasOwnProperty": "polluted", "then": "polluted", "recommendations": []}',
};
