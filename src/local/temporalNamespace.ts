import { Connection, isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import temporalProto from '@temporalio/proto';
import { waitForYes } from './readiness.ts';

const { IndexedValueType } = temporalProto.temporal.api.enums.v1;

/** The search attributes of every workflow we start: fixed from the first day, so that old runs stay findable. */
export const SEARCH_ATTRIBUTES = {
  VfUser: 'Keyword',
  VfVideo: 'Keyword',
  VfPost: 'Keyword',
  VfAccount: 'Keyword',
  VfStage: 'Keyword',
  VfDue: 'Datetime',
} as const;

const TYPES = {
  Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  Datetime: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
};

const CONNECT_MS = 3_000;
const SETTLE_MS = 30_000;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const DAY_MS = 86_400_000;

interface NamespaceRequest {
  address: string;
  namespace: string;
  retentionDays: number;
  /** Fires when the server died meanwhile. */
  died: AbortSignal;
}

async function withConnection<T>(address: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: CONNECT_MS });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Tells whether a Temporal server answers at that address. */
export const answersAt = (address: string): Promise<boolean> =>
  withConnection(address, async () => true).catch(() => false);

/**
 * Makes the namespace as we need it: there, with our retention and our search attributes, and able to search by
 * them. Harmless to repeat.
 */
export async function prepareNamespace({
  address,
  namespace,
  retentionDays,
  died,
}: NamespaceRequest): Promise<void> {
  const workflowExecutionRetentionTtl = msToTs(retentionDays * DAY_MS);
  await withConnection(address, async (connection) => {
    await registerIfMissing(connection, namespace, workflowExecutionRetentionTtl);
    const query = Object.entries(SEARCH_ATTRIBUTES)
      .map(([name, type]) => (type === 'Datetime' ? `${name} IS NOT NULL` : `${name} = 'x'`))
      .join(' OR ');
    // The server reads its namespaces anew every few seconds: until then it knows neither a new one nor
    // its new attributes.
    await waitForYes(
      async () => {
        const config = { workflowExecutionRetentionTtl };
        await connection.workflowService.updateNamespace({ namespace, config });
        await addSearchAttributes(connection, namespace);
        await connection.workflowService.countWorkflowExecutions({ namespace, query });
        return true;
      },
      { died, timeoutMs: SETTLE_MS, what: "Temporal's namespace" },
    );
  });
}

const hasGrpcCode = (error: unknown, code: number): boolean =>
  isGrpcServiceError(error) && (error.code as number) === code;

async function registerIfMissing(connection: Connection, namespace: string, ttl: ReturnType<typeof msToTs>) {
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    if (!hasGrpcCode(error, NOT_FOUND)) throw error;
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: ttl });
  }
}

async function addSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, TYPES[type]]));
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    if (!hasGrpcCode(error, ALREADY_EXISTS)) throw error;
  }
}
