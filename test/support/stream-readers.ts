export interface SseEvent {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}

type Bytes = AsyncIterable<Uint8Array>;

/** Lines without their ends, as they arrive; then, as the last item, what stood after the last end of a line. */
async function* lines(source: Bytes, end: RegExp): AsyncGenerator<{ line: string; complete: boolean }> {
  // Strict, so that a reply which is not UTF-8 fails the test rather than being repaired by it.
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of source) {
    rest += utf8.decode(chunk, { stream: true });
    const parts = rest.split(end);
    rest = parts.pop() ?? '';
    for (const line of parts) yield { line, complete: true };
  }
  yield { line: rest + utf8.decode(), complete: false };
}

/**
 * Server-sent events as they arrive, read as browsers read them (WHATWG): comments skipped, several `data:` lines
 * joined, an event without its blank line at the end of the stream dropped. Leaving the loop early closes the stream.
 */
export async function* readSse(source: Bytes): AsyncGenerator<SseEvent> {
  let event = '';
  let id: string | undefined;
  let data: string[] = [];
  // A CR at the end of a chunk may be half of a CRLF: it ends its line only when the next character is known.
  for await (const { line, complete } of lines(source, /\r\n|\n|\r(?!$)/)) {
    if (!complete) return;
    if (line === '') {
      if (data.length > 0) yield { event: event || 'message', data: data.join('\n'), ...(id !== undefined && { id }) };
      event = '';
      data = [];
      continue;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? [];
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
  }
}

/** NDJSON values as they arrive. A last line without its end was cut short, whatever it parses to: that throws. */
export async function* readNdjson(source: Bytes): AsyncGenerator {
  for await (const { line, complete } of lines(source, /\r?\n/)) {
    if (complete) yield JSON.parse(line);
    else if (line !== '') throw new Error(`expected every line to end, but got "${line.slice(0, 200)}" at the end`);
  }
}
