import { expect, test } from 'vitest';
import { wire } from './answers.ts';
import { open } from './http-client.ts';
import { readNdjson, readSse } from './stream-readers.ts';
import { startUpstream } from './upstream.ts';

async function* each(...chunks: (string | Uint8Array)[]) {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

const events = 'event: part\ndata: {"name":"é"}\n\n: a comment\nid: 7\ndata: one\ndata:two\ndata\n\nevent: none\n\ndata: cut';
const expected = [
  { event: 'part', data: '{"name":"é"}' },
  { event: 'message', data: 'one\ntwo\n', id: '7' },
];

test.each([['LF', '\n'], ['CRLF', '\r\n']])('server-sent events with %s, whatever the chunks', async (_, end) => {
  const bytes = Buffer.from(events.replaceAll('\n', end));
  const bytewise = Array.from(bytes, (byte) => Uint8Array.of(byte));
  expect(await Array.fromAsync(readSse(each(bytes)))).toEqual(expected);
  expect(await Array.fromAsync(readSse(each(...bytewise)))).toEqual(expected);
});

test('NDJSON values, whatever the chunks; a line without an end is an error', async () => {
  const text = '{"a":"é"}\n[1]\r\nnull\n';
  const bytewise = Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte));
  expect(await Array.fromAsync(readNdjson(each(...bytewise)))).toEqual([{ a: 'é' }, [1], null]);
  await expect(Array.fromAsync(readNdjson(each('1\n', '2')))).rejects.toThrow('expected every line to end, but got "2"');
  await expect(Array.fromAsync(readNdjson(each(Uint8Array.of(0x22, 0xff, 0x22, 0x0a))))).rejects.toThrow();
});

test('a value is there as soon as its line is, and leaving early closes the stream', async () => {
  await using upstream = await startUpstream();
  upstream.answer((_, response) => void response.writeHead(200).write('{"part":1}\n'));
  using exchange = await open(upstream.url);
  for await (const value of readNdjson(await exchange.response)) {
    expect(value).toEqual({ part: 1 });
    break;
  }
  await upstream.allClosed();
});

test('a stream that is cut throws where it was cut', async () => {
  await using upstream = await startUpstream();
  upstream.answer(wire('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n'));
  using exchange = await open(upstream.url);
  const reader = readSse(await exchange.response);
  expect((await reader.next()).value).toEqual({ event: 'message', data: '1' });
  await expect(reader.next()).rejects.toThrow(/aborted|ECONNRESET/);
});
