import { message } from './prepare.ts';

/** Runs a script of the bench: the process ends with 1 where it finds something wrong (false), or cannot go on; then it says why. */
export async function run(main: () => Promise<boolean | void>): Promise<void> {
  try {
    if ((await main()) === false) process.exitCode = 1;
  } catch (error) {
    console.error(message(error));
    process.exitCode = 1;
  }
}
