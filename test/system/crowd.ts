import { keepAlive, type Reply, type RequestOptions } from '../support/http-client.ts';

/** Clients that ask without a pause, each on a connection until it is told that this was its last reply. */
export function crowd(ask: (id: number, options: RequestOptions) => Promise<Reply>, size: number) {
  const state = { asking: true };
  let replies = 0;
  const statuses = new Set<number>();
  const client = async (id: number): Promise<void> => {
    while (state.asking) {
      using connection = keepAlive();
      for (let kept = true; state.asking && kept;) {
        const { status, headers } = await ask(id, { connection });
        statuses.add(status);
        replies++;
        kept = headers['connection'] !== 'close';
      }
    }
  };
  const clients = Promise.all(Array.from({ length: size }, (_, at) => client(1 + at)));
  return {
    statuses,
    replies: () => replies,
    async stop(): Promise<void> {
      state.asking = false;
      await clients;
    },
  };
}
