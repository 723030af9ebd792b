import { choice, figure, grafana, heat, here, lines } from './board.ts';

const routes = `${here}, http_route=~"$route"`;
const count = `http_server_request_duration_seconds_count{${routes}}`;
const failed = `http_server_request_duration_seconds_count{${routes}, http_response_status_code=~"5.."}`;
// What the objective counts: answers, and what somebody waited for in vain.
const answered = `${routes}, http_response_status_code=~"2..|304|499"`;
const shed = `tributary_shed_total{${here}}`;

const quantile = (of: number): string =>
  `histogram_quantile(${of}, sum by (le, http_route) (rate(http_server_request_duration_seconds_bucket{${answered}}[$__rate_interval])))`;
const unavailable = (window: string): string =>
  `(sum(rate(${failed}[${window}]) or rate(${shed}[${window}])) or vector(0)) / sum(rate(${count}[${window}]) or rate(${shed}[${window}]))`;
const slow = (window: string): string =>
  `1 - sum(rate(http_server_request_duration_seconds_bucket{${answered}, le="0.5"}[${window}])) / sum(rate(http_server_request_duration_seconds_count{${answered}}[${window}]))`;

export const red = grafana({
  uid: 'tributary-red',
  title: 'Tributary: requests',
  about: 'Rate, errors and duration of each route. Begin here; then "Why was it slow".',
  variables: [choice('route', 'route', 'label_values(http_server_request_duration_seconds_count{job="$job"}, http_route)')],
  rows: [
    [
      figure({ title: 'Requests', about: 'A second, ready answers included. What was shed is beside it, not in it.', unit: 'reqps' }, `sum(rate(${count}[$__rate_interval]))`),
      figure({ title: 'Unavailable', about: '5xx and shed, of all that came. The objective allows 0.1 %.', unit: 'percentunit', from: 0.001 }, unavailable('$__rate_interval')),
      figure({ title: 'Slower than 500 ms', about: 'Of the answers. The objective allows 1 %.', unit: 'percentunit', from: 0.01 }, slow('$__rate_interval')),
      figure({ title: 'Under way', about: 'Requests of all processes.', unit: 'short' }, `sum(tributary_in_flight_requests{${here}})`),
    ],
    [
      lines({ title: 'Rate by route', about: 'Where a route falls to nothing its callers may be gone, or a balancer sends them elsewhere.', unit: 'reqps', stacked: true }, [
        `sum by (http_route) (rate(${count}[$__rate_interval]))`, '{{http_route}}',
      ]),
      lines({ title: 'Rate by status', about: '499: the client left before the reply was complete.', unit: 'reqps', stacked: true }, [
        `sum by (http_response_status_code) (rate(${count}[$__rate_interval]))`, '{{http_response_status_code}}',
      ]),
    ],
    [
      lines({ title: 'Failed, by route', about: '5xx, of all of that route.', unit: 'percentunit' }, [
        `sum by (http_route) (rate(${failed}[$__rate_interval])) / sum by (http_route) (rate(${count}[$__rate_interval]))`, '{{http_route}}',
      ]),
      lines({ title: 'Failed, by code', about: 'The codes are those of docs/problems.md, which says what each means.', unit: 'reqps', stacked: true }, [
        `sum by (error_type) (rate(http_server_request_duration_seconds_count{${routes}, error_type!=""}[$__rate_interval]))`, '{{error_type}}',
      ]),
      lines({ title: 'Refused', about: 'By us, before anything was asked: overload, a caller\'s limit, a token that is missing or not believed.', unit: 'reqps', stacked: true },
        [`sum by (priority) (rate(${shed}[$__rate_interval]))`, 'shed ({{priority}})'],
        [`sum(rate(tributary_rate_limited_total{${here}}[$__rate_interval]))`, 'rate limited'],
        [`sum by (reason) (rate(tributary_unauthenticated_total{${here}}[$__rate_interval]))`, '{{reason}}'],
      ),
    ],
    [
      lines({ title: 'Duration', about: 'Of answers; refusals are fast, and would make it look better than it is.', unit: 's', from: 0.5 },
        [quantile(0.5), 'p50 {{http_route}}'], [quantile(0.95), 'p95 {{http_route}}'], [quantile(0.99), 'p99 {{http_route}}'], [quantile(0.999), 'p99.9 {{http_route}}'],
      ),
      heat({ title: 'Durations', about: 'Each column is an interval, each row a bucket. Two bands mean two kinds of answers: kept and loaded, or with a part that hangs.', unit: 's' },
        `sum by (le) (rate(http_server_request_duration_seconds_bucket{${answered}}[$__rate_interval]))`,
      ),
    ],
    [
      lines({ title: 'How fast the budget of unavailability burns', about: '1: used up in exactly a month. 14.4 in an hour, or 6 in six hours, pages.', unit: 'none', from: 14.4 },
        [`(${unavailable('1h')}) / 0.001`, 'one hour'], [`(${unavailable('6h')}) / 0.001`, 'six hours'],
      ),
      lines({ title: 'How fast the budget of slowness burns', about: '1: used up in exactly a month. 14.4 in an hour, or 6 in six hours, pages.', unit: 'none', from: 14.4 },
        [`(${slow('1h')}) / 0.01`, 'one hour'], [`(${slow('6h')}) / 0.01`, 'six hours'],
      ),
    ],
  ],
});
