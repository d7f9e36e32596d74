import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; uploads and streams take minutes, all else milliseconds. */
const REQUEST_BUCKETS_SEC = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600];

export interface RequestFacts {
  method: string;
  /** The route's pattern: an address would make a series of its own for every object. */
  route: string;
  status: number;
  durationSec: number;
}

export interface HttpMetrics {
  registry: Registry;
  observeRequest(request: RequestFacts): void;
}

/** Makes the API's metrics: its process's own ones and how requests were answered. */
export function createHttpMetrics(): HttpMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'videoflow_' });
  const requests = new Histogram({
    name: 'videoflow_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last byte of its answer, to the first of an event stream',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: REQUEST_BUCKETS_SEC,
    registers: [registry],
  });
  return {
    registry,
    observeRequest: ({ method, route, status, durationSec }) =>
      requests.observe({ method, route, status: String(status) }, durationSec),
  };
}

/**
 * Adds a gauge of the items that should have moved on long ago, by where they stay. They are counted when
 * the registry is read; while they cannot be, the gauge has no value.
 */
export function addStuckItemsGauge(
  registry: Registry,
  countStuck: () => Promise<Readonly<Record<string, number>>>,
): void {
  const gauge = new Gauge({
    name: 'videoflow_stuck_items',
    help: 'What should have moved on long ago, by where it stays',
    labelNames: ['kind'] as const,
    registers: [registry],
    collect: async () => {
      gauge.reset();
      const counts = await countStuck().catch(() => ({}));
      for (const [kind, count] of Object.entries(counts)) gauge.set({ kind }, count);
    },
  });
}

/** Adds a gauge of the event streams that are open right now. */
export function addEventStreamsGauge(registry: Registry, countOpen: () => number): void {
  const gauge: Gauge = new Gauge({
    name: 'videoflow_event_streams',
    help: 'Event streams that are open right now',
    registers: [registry],
    collect: () => {
      gauge.set(countOpen());
    },
  });
}

export interface MetricsServer {
  port: number;
  close(): Promise<void>;
}

/** Serves a registry at `/metrics`, on a port of its own so that it need not be public. */
export async function serveMetrics(options: {
  host: string;
  port: number;
  registry: Registry;
}): Promise<MetricsServer> {
  const { registry } = options;
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    try {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
    } catch {
      response.writeHead(500).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
