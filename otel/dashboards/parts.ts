import { choice, figure, grafana, heat, here, lines } from './board.ts';

const which = `${here}, aggregate=~"$aggregate"`;
const count = `tributary_part_duration_seconds_count{${which}}`;
const answers = `tributary_answers_total{${which}}`;

const quantile = (of: number, state: string): string =>
  `histogram_quantile(${of}, sum by (le, part) (rate(tributary_part_duration_seconds_bucket{${which}, state=~"${state}"}[$__rate_interval])))`;

export const parts = grafana({
  uid: 'tributary-parts',
  title: 'Tributary: parts and sources',
  about: 'What answers are put together of: how long each part took, where it came from, why it is missing; and the sources behind them.',
  variables: [choice('aggregate', 'aggregate', 'label_values(tributary_part_duration_seconds_count{job="$job"}, aggregate)')],
  rows: [
    [
      figure({ title: 'Incomplete answers', about: 'Something optional is missing. No failure for a client, and no objective; but not what was asked for.', unit: 'percentunit', from: 0.01 },
        `(sum(rate(tributary_answers_total{${which}, complete="false"}[$__rate_interval])) or vector(0)) / sum(rate(${answers}[$__rate_interval]))`,
      ),
      figure({ title: 'Stale parts', about: 'Served from what was kept, while a new one is loaded, or because none could be.', unit: 'percentunit' },
        `(sum(rate(tributary_part_duration_seconds_count{${which}, state="stale"}[$__rate_interval])) or vector(0)) / sum(rate(${count}[$__rate_interval]))`,
      ),
      figure({ title: 'Ready answers', about: 'Sent again as they were kept: no part was asked for. They are on no other panel of this board.', unit: 'reqps' },
        `sum(rate(tributary_ready_answers_total{${here}}[$__rate_interval]))`,
      ),
      figure({ title: 'Sources that rest', about: 'Of which the guard refuses something, because they fail.', unit: 'short', from: 1 },
        `sum(max by (source) (tributary_guard_refusing_share{${here}}) > bool 0)`,
      ),
    ],
    [
      lines({ title: 'Answers', about: 'Those that were put together: complete, and with something missing.', unit: 'reqps', stacked: true }, [
        `sum by (aggregate, complete) (rate(${answers}[$__rate_interval]))`, '{{aggregate}} complete={{complete}}',
      ]),
      lines({ title: 'Parts by where they came from', about: 'live: loaded for this request or one beside it. cache, stale: kept. missing: see the next panel.', unit: 'reqps', stacked: true }, [
        `sum by (part, state) (rate(${count}[$__rate_interval]))`, '{{part}} {{state}}',
      ]),
      lines({ title: 'Missing parts by code', about: 'deadline_exceeded: slow. source_failed, bad_answer: failed. source_resting: failed before. overloaded: no place, or left out in a brownout.', unit: 'reqps', stacked: true }, [
        `sum by (part, code) (rate(tributary_part_duration_seconds_count{${which}, state="missing"}[$__rate_interval]))`, '{{part}} {{code}}',
      ]),
    ],
    [
      lines({ title: 'Duration of live parts', about: 'What had to be loaded. One of a hundred takes longer than p99.', unit: 's', from: 0.5 },
        [quantile(0.5, 'live'), 'p50 {{part}}'], [quantile(0.99, 'live'), 'p99 {{part}}'],
      ),
      lines({ title: 'Duration of kept parts', about: 'From memory in no time; from Redis in a round trip. More than 60 ms: Redis does not answer.', unit: 's', from: 0.06 },
        [quantile(0.99, 'cache|stale'), 'p99 {{part}}'],
      ),
      heat({ title: 'Durations of parts', about: 'All of them. A band at the top is a time-out.', unit: 's' }, `sum by (le) (rate(tributary_part_duration_seconds_bucket{${which}}[$__rate_interval]))`),
    ],
    [
      lines({ title: 'Attempts', about: 'A query for a batch is one, each retry and each hedge another. stopped: nobody wanted the answer any more.', unit: 'ops', stacked: true }, [
        `sum by (source, outcome) (rate(tributary_attempts_total{${here}}[$__rate_interval]))`, '{{source}} {{outcome}}',
      ]),
      lines({ title: 'Not attempted', about: 'guard: the source fails, and rests. limit: no place and no seat. breakers: no endpoint may be asked.', unit: 'ops', stacked: true }, [
        `sum by (source, by) (rate(tributary_refused_total{${here}}[$__rate_interval]))`, '{{source}} {{by}}',
      ]),
      lines({ title: 'What guards refuse', about: 'The share of what a source is asked. Nothing, as long as half of it is accepted; nine tenths in an outage.', unit: 'percentunit', from: 0.1 }, [
        `max by (source) (tributary_guard_refusing_share{${here}})`, '{{source}}',
      ]),
    ],
    [
      lines({ title: 'Second attempts', about: 'Retries after a failure, and hedges beside a slow answer: both from one budget, a tenth of the first attempts.', unit: 'ops' },
        [`sum by (source) (rate(tributary_retries_total{${here}}[$__rate_interval]))`, '{{source}} retried'],
        [`sum by (source, winner) (rate(tributary_hedges_total{${here}}[$__rate_interval]))`, '{{source}} hedged, won by {{winner}}'],
      ),
      lines({ title: 'Endpoints that are left out', about: '1: its breaker is open, and others get its share.', unit: 'short', from: 1 }, [
        `max by (client, endpoint) (tributary_endpoint_open{${here}})`, '{{client}} {{endpoint}}',
      ]),
      lines({ title: 'Left out in brownouts', about: 'Optional parts that were not loaded, so that requests need not be shed.', unit: 'ops', stacked: true }, [
        `sum by (aggregate, part) (rate(tributary_left_out_total{${which}}[$__rate_interval]))`, '{{aggregate}} {{part}}',
      ]),
    ],
  ],
});
