import type { ServerResponse } from 'node:http';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { UnderWay } from '../../src/http/edge.ts';
import { recordSpans } from '../core/spans.ts';
import { edgeInMemory } from './in-memory.ts';

/** As much of Node's reply as an edge looks at. */
const request = (headersSent = false): UnderWay => ({ reply: { headersSent, shouldKeepAlive: true } as ServerResponse, place: 0 });

test('in whichever order requests come and go, it is known which are under way', () => {
  fc.assert(fc.property(fc.array(fc.option(fc.nat(20))), (deeds) => {
    const { edge } = edgeInMemory();
    const here: UnderWay[] = [];
    for (const leaver of deeds) {
      if (leaver === null) {
        here.push(request());
        edge.arrived(here.at(-1)!);
      } else if (here.length > 0) {
        const [gone] = here.splice(leaver % here.length, 1);
        edge.left(gone!);
      }
      expect(edge.underWay).toBe(here.length);
    }
    edge.drain();
    expect(here.filter(({ reply }) => reply.shouldKeepAlive)).toEqual([]);
  }));
});

test('who has left is not touched any more', () => {
  const { edge } = edgeInMemory();
  const [gone, here] = [request(), request()];
  edge.arrived(gone);
  edge.arrived(here);
  edge.left(gone);
  edge.drain();
  expect([gone.reply.shouldKeepAlive, here.reply.shouldKeepAlive]).toEqual([true, false]);
});

test('from the moment of draining on, replies close their connection, unless their headers have left', () => {
  const { edge } = edgeInMemory();
  const [sent, unsent, late] = [request(true), request(), request()];
  edge.arrived(sent);
  edge.arrived(unsent);
  expect(edge.draining).toBe(false);
  edge.drain();
  edge.arrived(late);
  expect(edge.draining).toBe(true);
  expect([sent, unsent, late].map(({ reply }) => reply.shouldKeepAlive)).toEqual([true, false, false]);
});

test('without an SDK nothing is sampled, whatever is asked for', () => {
  const sampling = { ratio: 1, trustParent: true };
  expect(edgeInMemory({ sampling }).edge.sampling).toEqual({ ratio: 0, trustParent: false });
  recordSpans();
  expect(edgeInMemory({ sampling }).edge.sampling).toEqual(sampling);
});
