// npm run demo:sentiment:install: what the model's Python service needs, below .tributary. Only this downloads anything.
import { join } from 'node:path';
import { installPython } from './python.ts';

const python = await installPython(join(import.meta.dirname, '..', '..', '.tributary', 'python'));
if ('missing' in python) {
  console.error(`${python.missing}\nnpm run dev has the Node twin instead`);
  process.exitCode = 1;
} else {
  console.log(`installed: npm run dev runs the model in ${python.command}`);
}
