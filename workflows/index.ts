/** The one list of workflows: what the worker bundles. */
export { processVideo } from './processVideo.ts';
export { reconcile } from './reconcile.ts';
export { removeVideo } from './removeVideo.ts';
