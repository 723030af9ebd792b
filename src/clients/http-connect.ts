import { buildConnector, errors } from 'undici';

/**
 * Connects within so many milliseconds, or fails with a ConnectTimeoutError. undici's own time-out is looked at twice a second: 300 ms
 * became up to a second, and nothing of a part's time was left for another try. What it brings later is closed.
 */
export function connectsWithin(ms: number, connect: buildConnector.connector = buildConnector({ timeout: ms })): buildConnector.connector {
  return (options, callback) => {
    let over = false;
    const timer = setTimeout(() => {
      over = true;
      callback(new errors.ConnectTimeoutError(`no connection within ${ms} ms`), null);
    }, ms);
    connect(options, (...[error, socket]) => {
      clearTimeout(timer);
      if (over) socket?.destroy();
      else if (error) callback(error, null);
      else callback(null, socket);
    });
  };
}
