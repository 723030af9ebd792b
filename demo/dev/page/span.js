import { badge, clock, h, ms } from './dom.js';

const whose = { shared: 'Another request had started it, and this one waited for it', behind: 'It went on behind the reply' };

/** What is known of one span: its SQL, its attributes, its links and its log lines. */
export function detail({ attributes, links, startMs, error, from, traceId, spanId, kind, usualMs }, logs) {
  const { 'db.query.text': sql, 'tributary.pool.wait_ms': waitedMs, ...rest } = attributes;
  const own = logs.filter((entry) => entry.spanId === spanId && !entry.access);
  const facts = [
    ['kind', kind], ['starts at', ms(startMs)],
    usualMs !== undefined && ['usually takes', ms(usualMs)],
    waitedMs !== undefined && ['waited for a connection', ms(waitedMs)],
    error && ['failed of', error], ...Object.entries(rest),
  ];
  return h('div', { class: 'detail' },
    from !== 'own' && h('p', {}, `${whose[from]}: `, h('a', { href: `#/requests/${traceId}/${spanId}` }, `see it in trace ${traceId.slice(0, 8)}`)),
    sql && h('pre', { 'aria-label': 'SQL', tabindex: '0' }, tidy(sql)),
    h('dl', {}, facts.filter(Boolean).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, typeof value === 'string' ? value : JSON.stringify(value))])),
    links.length > 0 && h('p', {}, 'linked with ', links.flatMap((link, at) => [at > 0 && ', ', linkOf(link)])),
    own.map((entry) => logLine(entry, undefined)));
}

/** Without the indentation of the file it was written in. */
function tidy(sql) {
  const [first, ...others] = sql.split('\n');
  const indent = Math.min(...others.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return [first, ...others.map((line) => `  ${line.slice(indent)}`)].join('\n');
}

const linkOf = ({ traceId, spanId, name }) => (name
  ? h('a', { href: `#/requests/${traceId}/${spanId}` }, `${name} of ${traceId.slice(0, 8)}`)
  : `a span of ${traceId.slice(0, 8)}, which is not kept any more`);

export function logLine({ atMs, level, msg, fields }, startMs) {
  const { err, ...others } = fields;
  return h('div', { class: `log ${level}` },
    h('span', { class: 'quiet' }, startMs === undefined ? clock(atMs) : `${atMs >= startMs ? '+' : ''}${ms(atMs - startMs)}`),
    badge(level === 'error' || level === 'fatal' ? 'bad' : level === 'warn' ? 'odd' : 'plain', level),
    h('span', {}, msg, ' ', h('code', {}, Object.entries(others).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' '))),
    err?.stack && h('pre', { tabindex: '0' }, err.stack));
}
