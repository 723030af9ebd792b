// The closing line of a CI run, from the report that vitest wrote; a run without tests is a failed one.
import { readFileSync } from 'node:fs';

const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped } = JSON.parse(readFileSync('coverage/tests.json', 'utf8'));
console.log(`Tests: ${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
