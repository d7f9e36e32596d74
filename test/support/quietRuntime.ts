import { DefaultLogger, Runtime } from '@temporalio/worker';

let isInstalled = false;

/** Keeps the SDK's own lines out of the test report; a process can have only one runtime. */
export function installQuietRuntime(): void {
  if (isInstalled) return;
  isInstalled = true;
  Runtime.install({ logger: new DefaultLogger('ERROR') });
}
