import { figure, grafana, here, lines } from './board.ts';

const gauge = (name: string): string => `${name}{${here}}`;
const perSecond = (name: string): string => `rate(${name}{${here}}[$__rate_interval])`;

export const saturation = grafana({
  uid: 'tributary-saturation',
  title: 'Tributary: saturation',
  about: 'How full everything is that has a bound: the loop, the processor, memory, connections, places. The fullest process counts, not the average one. With WORKERS a process stands for all of them: amounts are sums.',
  rows: [
    [
      figure({ title: 'Event loop', about: 'How late. From 25 ms on optional parts are left out, from 40 ms on requests may be shed.', unit: 's', from: 0.025 }, `max(${gauge('tributary_event_loop_delay_seconds')})`),
      figure({ title: 'Under way', about: 'In the fullest process. 8,000 is four fifths of the default of IN_FLIGHT_MAX.', unit: 'short', from: 8000 }, `max(${gauge('tributary_in_flight_requests')})`),
      figure({ title: 'Wait for a connection', about: 'Queries, in the process where it is worst. More than a moment: the pool is too small, or the database too slow.', unit: 'short', from: 1 }, `max(${gauge('tributary_pool_waiting')})`),
      figure({ title: 'Shed', about: 'Of all that came.', unit: 'percentunit', from: 0.01 },
        `(sum(${perSecond('tributary_shed_total')}) or vector(0)) / sum(${perSecond('http_server_request_duration_seconds_count')} or ${perSecond('tributary_shed_total')})`,
      ),
    ],
    [
      lines({ title: 'Event loop delay', about: 'What is ready waits so long until the process comes to it.', unit: 's', from: 0.025 }, [gauge('tributary_event_loop_delay_seconds'), '{{instance}}']),
      lines({ title: 'Processor', about: 'Of one core: a process has one thread for requests, and is full shortly below 1 (with WORKERS, below their number); collecting garbage has others.', unit: 'percentunit', from: 0.9 }, [perSecond('process_cpu_seconds_total'), '{{instance}}']),
      lines({ title: 'Garbage collection', about: 'The share of the time in which nothing else ran. More than a tenth: the heap is too small for what is under way.', unit: 'percentunit', from: 0.1 }, [perSecond('nodejs_gc_pause_seconds_total'), '{{instance}}']),
      lines({ title: 'Memory', about: 'resident is what the kernel counts against the limit of a container.', unit: 'bytes' },
        [gauge('process_resident_memory_bytes'), '{{instance}} resident'], [gauge('nodejs_heap_used_bytes'), '{{instance}} heap'],
      ),
    ],
    [
      lines({ title: 'Requests under way and their limit', about: 'The limit holds only while the loop is late; a source that hangs may have many more under way, and nothing is shed.', unit: 'short' },
        [gauge('tributary_in_flight_requests'), '{{instance}} under way'], [gauge('tributary_admission_limit'), '{{instance}} limit'],
      ),
      lines({ title: 'Shed', about: 'background is what nobody waits for.', unit: 'reqps', stacked: true }, [`sum by (priority) (${perSecond('tributary_shed_total')})`, '{{priority}}']),
      lines({ title: 'Brownout', about: 'Processes in which optional parts are left out.', unit: 'short', from: 1 }, [`sum(${gauge('tributary_brownout')})`, 'processes']),
    ],
    [
      lines({ title: 'Connections to Postgres', about: 'used: a query runs on it, or is being cancelled. All of them used for long: see who waits.', unit: 'short', stacked: true }, [`sum by (pool, state) (${gauge('tributary_pool_connections')})`, '{{pool}} {{state}}']),
      lines({ title: 'Share of connections in use', about: 'In the fullest process.', unit: 'percentunit', from: 0.9 }, [
        `max by (pool) (sum by (pool, instance) (tributary_pool_connections{${here}, state="used"}) / sum by (pool, instance) (${gauge('tributary_pool_connections')}))`, '{{pool}}',
      ]),
      lines({ title: 'Wait for a connection', about: 'For POOL_WAIT_MS; then they are refused with 503.', unit: 'short', from: 1 }, [`max by (pool) (${gauge('tributary_pool_waiting')})`, '{{pool}}']),
    ],
    [
      lines({ title: 'Requests under way to services', about: 'In the fullest process. 128 are under way at the most, a thousand wait behind them.', unit: 'short', from: 128 }, [`max by (client) (${gauge('tributary_upstream_requests')})`, '{{client}}']),
      lines({ title: 'Keys in a query', about: 'p99; a hundred at the most. At it, and with both queries under way, keys wait.', unit: 'short', from: 100 }, [
        `histogram_quantile(0.99, sum by (le, source) (${perSecond('tributary_batch_size_bucket')}))`, '{{source}}',
      ]),
      lines({ title: 'Spans dropped', about: 'The collector does not keep up, or is away. Requests do not wait for it.', unit: 'ops', from: 0.01 }, [`sum(${perSecond('tributary_spans_dropped_total')})`, 'spans']),
    ],
  ],
});
