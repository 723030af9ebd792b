import { pythonTool } from '../support/python-tool.ts';

/** Another version invents other requests. */
export const schemathesis = (): ReturnType<typeof pythonTool> => pythonTool('schemathesis', '4.32.5');
