import { supervises } from './process/workers.ts';

/** EX_CONFIG of sysexits.h: trying again will not help. */
const badConfiguration = 78;

// What serves is loaded only where it serves: above several workers is a small process.
if (supervises()) {
  const { supervise } = await import('./process/supervisor.ts');
  supervise();
} else {
  await startService();
}

async function startService(): Promise<void> {
  // Not `--enable-source-maps`: under that flag pino, which asks for its caller, has the whole map parsed at the start.
  process.setSourceMapsEnabled(true);
  const [{ ConfigError, readConfig, redacted }, { serve }] = await Promise.all([import('./config.ts'), import('./process/service.ts')]);
  try {
    const config = readConfig(process.env);
    if (process.argv.includes('--print-config')) {
      console.log(JSON.stringify(redacted(config), undefined, 2));
      return process.exit(0);
    }
    await serve(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`The configuration is not valid:\n${error.message}`);
    process.exit(badConfiguration);
  }
}
