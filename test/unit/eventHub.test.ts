import assert from 'node:assert/strict';
import { EVENT_PATTERNS, PROGRESS_TYPES } from '../../src/domain/event.ts';
import { EventHub, type EventHubOptions, type StreamRequest } from '../../src/http/events/hub.ts';
import { eventRoutes } from '../../src/http/events/routes.ts';
import { createLiveChecks } from '../../src/http/liveChecks.ts';
import { createLog } from '../../src/log.ts';
import { waitFor } from '../support/stack.ts';

const log = createLog({ level: 'silent', program: 'test' });

describe('streams of events before they begin', () => {
  it('ask for each pattern once and in one order, however it is said', () => {
    for (const route of eventRoutes) {
      const query = route.query ?? assert.fail(route.path);
      const ask = (types: string) => (query.parse({ types }) as { types: string[] }).types;
      assert.deepEqual(ask('video.ready, step.*,video.ready,step.*'), ['step.*', 'video.ready']);
      const all = [...EVENT_PATTERNS, ...PROGRESS_TYPES];
      assert.equal(ask([...all, ...all].join()).length, all.length);
    }
  });

  it('are refused by a process that ends, which does not begin to listen any more', async () => {
    let listeners = 0;
    const listenForEvents = async () => {
      listeners += 1;
      return { close: async () => {} };
    };
    const db = { listenForEvents } as unknown as EventHubOptions['db'];
    const hub = new EventHub({ db, log, config: { EVENT_STREAMS_MAX: 10, EVENT_HEARTBEAT_SEC: 1 } });
    await hub.close();
    const request = { userId: 'u' } as StreamRequest;
    for (const ask of [hub.open(request), hub.tryOpen(request)])
      await assert.rejects(ask, { code: 'streams_unavailable' });
    assert.deepEqual([listeners, hub.openCount], [0, 0]);
  });
});

describe('checks of running answers', () => {
  it('say whether a right is over, or nobody knows any more', async () => {
    const watch = async (findLive: () => Promise<ReadonlySet<string>>) => {
      const cut: string[] = [];
      const checks = createLiveChecks({ findLive, log, checkEveryMs: 5, uncheckedMs: 50 });
      checks.watch('a', (why) => cut.push(why));
      await waitFor(() => cut.length > 0, { what: 'the cut', everyMs: 2 });
      return cut;
    };
    assert.deepEqual(await watch(async () => new Set()), ['over']);
    assert.deepEqual(await watch(() => Promise.reject(new Error('away'))), ['unchecked']);
  });
});
