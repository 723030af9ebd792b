import { choice, figure, grafana, here, lines } from './board.ts';

const which = `${here}, source=~"$source"`;
const results = (more: string): string => `tributary_cache_results_total{${which}, ${more}}`;
/** Memory is asked first, and always: what it is asked is what is asked of the cache at all. */
const asked = results('tier="memory"');

export const cache = grafana({
  uid: 'tributary-cache',
  title: 'Tributary: cache',
  about: 'What is kept and what is not, in memory and in Redis. Answers that are ready are sent before any of it is asked.',
  variables: [choice('source', 'source', 'label_values(tributary_cache_results_total{job="$job"}, source)')],
  rows: [
    [
      figure({ title: 'Found', about: 'Fresh or stale, in either tier, of what is asked. What is good depends on who asks: compare it with yesterday.', unit: 'percentunit' },
        `sum(rate(${results('result=~"hit|stale"')}[$__rate_interval])) / sum(rate(${asked}[$__rate_interval]))`,
      ),
      figure({ title: 'Ready answers', about: 'Sent as they were kept, of all requests. They are not asked of the cache.', unit: 'percentunit' },
        `sum(rate(tributary_ready_answers_total{${here}}[$__rate_interval])) / sum(rate(http_server_request_duration_seconds_count{${here}}[$__rate_interval]))`,
      ),
      figure({ title: 'Redis answers', about: 'In this share of the processes. Away, it costs loads and no errors.', unit: 'percentunit' }, `avg(tributary_cache_shared_ready{${here}})`),
      figure({ title: 'Mended', about: 'Failures in whose place something old was served. While there are any a source fails.', unit: 'ops', from: 0.1 },
        `sum(rate(${results('result="mended"')}[$__rate_interval])) or vector(0)`,
      ),
    ],
    [
      lines({ title: 'Found, by source', about: 'Of what is asked, what either tier had. Beside it, what it was a day before.', unit: 'percentunit' },
        [`sum by (source) (rate(${results('result=~"hit|stale"')}[$__rate_interval])) / sum by (source) (rate(${asked}[$__rate_interval]))`, '{{source}}'],
        [`sum by (source) (rate(${results('result=~"hit|stale"')}[$__rate_interval] offset 1d)) / sum by (source) (rate(${asked}[$__rate_interval] offset 1d))`, '{{source}} a day before'],
      ),
      lines({ title: 'What the tiers say', about: 'A miss of memory is asked of Redis, a miss of Redis is loaded.', unit: 'ops', stacked: true }, [
        `sum by (tier, result) (rate(tributary_cache_results_total{${which}}[$__rate_interval]))`, '{{tier}} {{result}}',
      ]),
    ],
    [
      lines({ title: 'Misses, by source', about: 'What the sources may have to answer, before coalescing and batches.', unit: 'ops', stacked: true }, [
        `sum by (source, tier) (rate(${results('result="miss"')}[$__rate_interval]))`, '{{source}} {{tier}}',
      ]),
      lines({ title: 'Stale and mended, by source', about: 'stale: a new one is being loaded. mended: none could be loaded.', unit: 'ops', stacked: true }, [
        `sum by (source, result) (rate(${results('result=~"stale|mended"')}[$__rate_interval]))`, '{{source}} {{result}}',
      ]),
      lines({ title: 'Attempts', about: 'What is left for the sources, batches counted once.', unit: 'ops', stacked: true }, [
        `sum by (source) (rate(tributary_attempts_total{${which}}[$__rate_interval]))`, '{{source}}',
      ]),
    ],
    [
      lines({ title: 'Memory', about: 'Of each process. Flat at CACHE_L1_BYTES: things make room for others. A fall to nothing: a restart, or a connection that tells of changes was lost.', unit: 'bytes' }, [
        `tributary_cache_bytes{${here}}`, '{{instance}}',
      ]),
      lines({ title: 'Redis answers', about: '0: this process does without.', unit: 'short' }, [`tributary_cache_shared_ready{${here}}`, '{{instance}}']),
      lines({ title: 'Keys in a query', about: 'More misses make larger batches, up to a hundred keys: that is what keeps a cold cache from being an outage.', unit: 'short' },
        [`histogram_quantile(0.5, sum by (le, source) (rate(tributary_batch_size_bucket{${which}}[$__rate_interval])))`, 'p50 {{source}}'],
        [`histogram_quantile(0.99, sum by (le, source) (rate(tributary_batch_size_bucket{${which}}[$__rate_interval])))`, 'p99 {{source}}'],
      ),
    ],
  ],
});
