import { choice, dataSource, found, grafana, heat, here, lines, type Query, spells, words } from './board.ts';

const routes = `${here}, http_route=~"$route", http_response_status_code=~"2..|304|499"`;
const buckets = `http_server_request_duration_seconds_bucket{${routes}}`;
const partBuckets = `tributary_part_duration_seconds_bucket{${here}}`;
const perSecond = (name: string, more = ''): string => `rate(${name}{${here}${more}}[$__rate_interval])`;

/** Of each part, and of where it came from, the share that took longer than 500 ms. */
const slowParts = `1 - sum by (part, state) (rate(tributary_part_duration_seconds_bucket{${here}, le="0.5"}[$__rate_interval]))
  / sum by (part, state) (rate(tributary_part_duration_seconds_count{${here}}[$__rate_interval]))`;

/** Each is 1 while it is so. From the process outwards, since what is slow in the process makes everything outside look slow. */
const suspects: readonly Query[] = [
  [`max(tributary_event_loop_delay_seconds{${here}}) > bool 0.025`, 'the event loop is late'],
  [`max(${perSecond('process_cpu_seconds_total')}) > bool 0.9`, 'a process has no processor left'],
  [`max(${perSecond('nodejs_gc_pause_seconds_total')}) > bool 0.1`, 'garbage is collected for a tenth of the time'],
  [`max(tributary_brownout{${here}}) > bool 0`, 'optional parts are left out'],
  [`sum(${perSecond('tributary_shed_total')}) > bool 0`, 'requests are shed'],
  [`min(tributary_cache_shared_ready{${here}}) < bool 1`, 'Redis does not answer'],
  // A fifth less than an hour ago: it changes by less from one hour to the next.
  [`sum by (source) (${perSecond('tributary_cache_results_total', ', result=~"hit|stale"')}) / sum by (source) (${perSecond('tributary_cache_results_total', ', tier="memory"')})
    < bool 0.8 * (sum by (source) (rate(tributary_cache_results_total{${here}, result=~"hit|stale"}[$__rate_interval] offset 1h)) / sum by (source) (rate(tributary_cache_results_total{${here}, tier="memory"}[$__rate_interval] offset 1h)))`,
    '{{source}}: less is kept than an hour ago'],
  [`max by (pool) (tributary_pool_waiting{${here}}) > bool 0`, '{{pool}}: queries wait for a connection'],
  [`max by (client) (tributary_upstream_requests{${here}}) > bool 100`, '{{client}}: requests gather'],
  [`histogram_quantile(0.5, sum by (le, source) (${perSecond('tributary_batch_size_bucket')})) > bool 50`, '{{source}}: batches are full'],
  [`sum by (source) (${perSecond('tributary_attempts_total', ', outcome="fails"')}) / sum by (source) (${perSecond('tributary_attempts_total')}) > bool 0.05`, '{{source}}: attempts fail, or take a second'],
  [`max by (source) (tributary_guard_refusing_share{${here}}) > bool 0`, '{{source}}: rests'],
  [`sum by (source) (${perSecond('tributary_refused_total', ', by="limit"')}) > bool 0`, '{{source}}: no place is free'],
  [`sum by (source) (${perSecond('tributary_retries_total')}) / sum by (source) (${perSecond('tributary_attempts_total')}) > bool 0.02`, '{{source}}: is asked twice'],
  [`max by (client, endpoint) (tributary_endpoint_open{${here}}) > bool 0`, '{{endpoint}}: is left out'],
];

const howTo = `1. **When, and how many?** The first row. Mark the time of a bad spell: all panels follow.
2. **Which part?** The row below it. A part that is slow *live* is loaded slowly; one that is slow from the *cache* waits for Redis; if all parts are slow at once it is the process.
3. **Why?** What is red at the same time. From top to bottom: what is wrong in the process makes everything below it look wrong.
4. **One of them.** The traces. On the span of the part: \`tributary.refused\`, \`retried\`, \`hedged\`, \`mended\`, \`served\`, \`shared.work_ms\`; below it the query or the request itself. A part that waited and has no query below it followed somebody else's: its link leads there.`;

export const whyWasItSlow = grafana({
  uid: 'tributary-why-was-it-slow',
  title: 'Tributary: why was it slow?',
  about: 'From a slow request to its reason, in four looks.',
  variables: [
    choice('route', 'route', 'label_values(http_server_request_duration_seconds_count{job="$job"}, http_route)'),
    dataSource('traces', 'traces', 'tempo'),
  ],
  rows: [
    [
      words('How to read this', howTo),
      heat({ title: '1. When: durations of answers', about: 'The one in a thousand is the faint row far above the others.', unit: 's' }, `sum by (le) (rate(${buckets}[$__rate_interval]))`),
      lines({ title: '1. How many: the share above 500 ms, of each process', about: 'If one process alone is slow, look at its neighbours on the machine; if all are, at what they share.', unit: 'percentunit', from: 0.01 },
        [`1 - sum by (instance) (rate(http_server_request_duration_seconds_bucket{${routes}, le="0.5"}[$__rate_interval])) / sum by (instance) (rate(http_server_request_duration_seconds_count{${routes}}[$__rate_interval]))`, '{{instance}}'],
      ),
    ],
    [
      lines({ title: '2. Which part: the share above 500 ms', about: 'By where it came from. An optional part is given up at its time-out, and is then missing.', unit: 'percentunit', from: 0.01 }, [slowParts, '{{part}} {{state}}']),
      lines({ title: '2. Which part: p99.9', about: 'The one in a thousand of each part, kept and missing ones included.', unit: 's', from: 0.5 },
        [`histogram_quantile(0.999, sum by (le, part) (rate(${partBuckets}[$__rate_interval])))`, '{{part}}'],
        [`histogram_quantile(0.999, sum by (le) (rate(${buckets}[$__rate_interval])))`, 'the whole answer'],
      ),
      lines({ title: '2. What is missing', about: 'By code: docs/problems.md.', unit: 'ops', stacked: true }, [`sum by (part, code) (${perSecond('tributary_part_duration_seconds_count', ', state="missing"')})`, '{{part}} {{code}}']),
    ],
    [spells({ title: '3. Why: what was out of the ordinary', about: 'Red where it was so, one line for each. What was red before it became slow is the reason; what became red after it is a consequence.' }, ...suspects)],
    [
      found('4. Slow answers', 'Those that were recorded; with a tail-sampling collector all that it saw.', '{ resource.service.name = "tributary" && kind = server && duration > 500ms }'),
      found('4. Slow work', 'Queries and requests to services, whoever waited for them.', '{ resource.service.name = "tributary" && kind = client && duration > 250ms }'),
      found('4. Incomplete and failed answers', 'A client\'s own mistakes are not among them.', '{ resource.service.name = "tributary" && kind = server && span.tributary.complete = false && (span.http.response.status_code < 300 || span.http.response.status_code >= 500) }'),
    ],
  ],
});
