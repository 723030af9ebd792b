import { buildGoTool, goToolBuildMs, type Built } from './go-tool.ts';

/** For a hook that waits for a build. */
export const toxiproxyBuildMs = goToolBuildMs;

export const buildToxiproxy = (): Promise<Built> =>
  buildGoTool({ name: 'toxiproxy', source: 'github.com/Shopify/toxiproxy/v2/cmd/server', version: 'v2.12.0' });
