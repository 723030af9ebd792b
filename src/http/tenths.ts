/** Milliseconds with one decimal; `toFixed` takes three times as long, and a request needs several. */
export const tenths = (ms: number): number => Math.round(ms * 10) / 10;
