import { h, ms } from './dom.js';

/** Where most of the time of a request went, in words; the span's name opens it. */
export function sentences({ spanId, name, part, tookMs, totalMs, usualMs, kind, waitedMs, error, shared, traceId, asked }, openSpan) {
  const named = h('button', { class: 'link', type: 'button', onclick: () => { openSpan(spanId); } }, name);
  return [
    h('strong', {}, `${ms(tookMs)} of ${ms(totalMs)}`), ' in ', named, part === undefined && ' itself: no part of it took most of that', part && part !== name && ` for ${part}`,
    usualMs !== undefined && (tookMs >= 2 * usualMs ? `, which usually takes ${ms(usualMs)}` : ', about as long as usual'), '. ',
    kind === 'work' && asked && `That long it waited for the answer of ${asked}. `,
    kind === 'pool' && `For ${ms(waitedMs)} it waited for a connection to the database: none was free. `,
    kind === 'place' && `For ${ms(waitedMs)} it waited before anything was asked: for a place that others held, or for the event loop. `,
    error && `It failed: ${error}. `,
    shared && ['Another request had asked for it first: ', h('a', { href: `#/requests/${traceId}/${spanId}` }, `trace ${traceId.slice(0, 8)}`), '.'],
  ].flat().filter(Boolean);
}
