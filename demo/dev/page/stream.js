/** The events of a reply as they come (WHATWG HTML, §9.2); not EventSource, which can send no headers and asks again by itself. */
export async function* events(reply) {
  let text = '';
  for await (const chunk of chunksOf(reply.body)) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2)));
      yield { event: fields.event, data: JSON.parse(fields.data) };
    }
  }
}

/** Not every browser lets a stream be looped over. */
async function* chunksOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}
