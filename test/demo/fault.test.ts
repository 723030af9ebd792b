import { expect, test } from 'vitest';
import { lateMs, oneIn, startFault } from '../../demo/dev/fault.ts';
import { hang, json, status } from '../support/answers.ts';
import { startUpstream } from '../support/upstream.ts';

test('the recommender is told of it, the gateway is asked, and at its end nothing is', async () => {
  await using recommender = await startUpstream();
  await using gateway = await startUpstream();
  gateway.answer(json({}), hang);
  const fault = await startFault({ gateway: gateway.url, recommender: recommender.url });
  await gateway.received(3);
  expect(recommender.requests).toMatchObject([{ method: 'POST', url: `/_control?delay_ms=${lateMs}&one_in=${oneIn}` }]);
  expect(gateway.requests[0]).toMatchObject({ method: 'GET', url: '/api/aggregated?user_id=1' });
  await fault[Symbol.asyncDispose]();
  const asked = gateway.requests.length;
  await Promise.all(gateway.requests.map(({ closed }) => closed));
  expect([gateway.requests.length, gateway.openRequests]).toEqual([asked, 0]);
});

test('a recommender that does not take it is said so', async () => {
  await using recommender = await startUpstream();
  recommender.answer(status(400, 'what?'));
  await expect(startFault({ gateway: 'http://127.0.0.1:9', recommender: recommender.url })).rejects.toThrow('expected the recommender to take the fault, but got 400 what?');
});
