import type { EntityManager } from '@mikro-orm/postgresql';
import type { UploadState } from '../domain/upload.ts';
import { tellUpload } from './events.ts';
import { newId } from './ids.ts';

/** How long a lease holds that is not renewed: so long an upload waits for a process that died. */
const LEASE_SEC = 5;
/** A wish for a lease that was not repeated for so long is over. */
const WISH_SEC = 3;

const LEASED = `clock_timestamp() + interval '${LEASE_SEC} seconds'`;
const IS_WANTED = `coalesce(lease_wanted_at > clock_timestamp() - interval '${WISH_SEC} seconds', false) as "isWanted"`;

/** The right to append to an upload, under an epoch that no other lease of it ever has. */
export interface Lease {
  uploadId: string;
  holder: string;
  epoch: number;
  /** Where this lease's bytes go; nobody else knows it. */
  segmentKey: string;
}

export interface LeaseRequest {
  uploadId: string;
  /** A random name of this one request; becomes a part of the segment's key. */
  holder: string;
  /** Where the bytes to be sent belong. */
  offsetBytes: number;
}

export interface HeldLease {
  /** Whether another request waits for it. */
  isWanted: boolean;
}

export interface Advance {
  /** As last known; where the row says otherwise the lease was lost. */
  fromBytes: number;
  toBytes: number;
  /** How long the upload lives on from now. */
  expirySec: number;
}

/**
 * Leases on uploads. Each method is one short statement by the database's clock, but for one that completes an upload,
 * which is told in the same transaction. What answers null found that the lease is not held any more, or the upload not
 * open, and has changed nothing: a holder that was frozen and wakes up can do no harm.
 */
export class UploadLeaseQueries {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  /** Gives the lease of an open upload that stands at the offset, if nobody has it, with a segment of its own. */
  async take({ uploadId, holder, offsetBytes }: LeaseRequest): Promise<Lease | null> {
    const rows = await this.#em.execute<{ epoch: number; segmentKey: string }[]>(
      `with taken as (
         update uploads
         set epoch = epoch + 1, lease_holder = ?, lease_until = ${LEASED}, lease_wanted_at = null
         where id = ? and state = 'open' and offset_bytes = ? and expires_at > clock_timestamp()
           and (lease_holder is null or lease_until < clock_timestamp())
         returning id, epoch
       )
       insert into upload_segments (id, upload_id, number, key, size_bytes, created_at)
       select ?, id, epoch, 'uploads/' || id || '/' || epoch || '-' || ? || '/', 0, clock_timestamp() from taken
       returning number as epoch, key as "segmentKey"`,
      [holder, uploadId, offsetBytes, newId(), holder],
    );
    return rows[0] ? { uploadId, holder, ...rows[0] } : null;
  }

  /** Tells the holder that somebody else waits; it need not listen while its client sends. */
  async want(uploadId: string): Promise<void> {
    await this.#em.execute('update uploads set lease_wanted_at = clock_timestamp() where id = ?', [uploadId]);
  }

  /** Holds the lease on, without a byte more. */
  async renew({ uploadId, holder, epoch }: Lease): Promise<HeldLease | null> {
    const rows = await this.#em.execute<HeldLease[]>(
      `update uploads set lease_until = ${LEASED}
       where id = ? and epoch = ? and lease_holder = ? and state = 'open'
       returning ${IS_WANTED}`,
      [uploadId, epoch, holder],
    );
    return rows[0] ?? null;
  }

  /**
   * Says how long the upload is, which was not known; completes it when no byte is missing.
   *
   * @returns null also when another length is known, or more bytes are here already
   */
  async setLength({ uploadId, holder, epoch }: Lease, lengthBytes: number): Promise<HeldLease | null> {
    return this.#em.transactional(async (tx) => {
      const rows = await tx.execute<(HeldLease & { state: UploadState })[]>(
        `update uploads set length_bytes = ?, lease_until = ${LEASED}, ${completedAt('offset_bytes', '?')}
         where id = ? and epoch = ? and lease_holder = ? and state = 'open'
           and (length_bytes is null or length_bytes = ?) and offset_bytes <= ?
         returning state, ${IS_WANTED}`,
        [lengthBytes, lengthBytes, lengthBytes, uploadId, epoch, holder, lengthBytes, lengthBytes],
      );
      if (rows[0]?.state === 'complete') await tellUpload(tx, uploadId);
      return rows[0] ?? null;
    });
  }

  /** Moves the offset on over bytes that are durable in the lease's segment; the last one completes the upload. */
  async advance(lease: Lease, advance: Advance): Promise<(HeldLease & { state: UploadState }) | null> {
    const isHeld = await moveOn(this.#em, lease, advance, 'length_bytes is distinct from ?');
    if (isHeld) return isHeld;
    // Lost, or the last one: only that is worth a transaction, since it comes with every few megabytes.
    return this.#em.transactional(async (tx) => {
      const held = await moveOn(tx, lease, advance, 'length_bytes = ?');
      if (held) await tellUpload(tx, lease.uploadId);
      return held;
    });
  }

  /** Lets others in at once. A segment of which nothing counts is forgotten. */
  async release({ uploadId, holder, epoch }: Lease): Promise<void> {
    await this.#em.execute(
      `with released as (
         update uploads set lease_holder = null, lease_until = null, lease_wanted_at = null
         where id = ? and epoch = ? and lease_holder = ?
       )
       delete from upload_segments where upload_id = ? and number = ? and size_bytes = 0`,
      [uploadId, epoch, holder, uploadId, epoch],
    );
  }
}

/** Completes an upload whose offset, as it will be, is its length. */
const completedAt = (offset: string, length: string): string =>
  `state = case when ${offset}::bigint = ${length}::bigint then 'complete' else state end,
   completed_at = case when ${offset}::bigint = ${length}::bigint then clock_timestamp() end`;

/** Moves the offset on of an upload whose length is as expected. */
async function moveOn(
  em: EntityManager,
  { uploadId, holder, epoch }: Lease,
  { fromBytes, toBytes, expirySec }: Advance,
  length: string,
): Promise<(HeldLease & { state: UploadState }) | null> {
  const rows = await em.execute<(HeldLease & { state: UploadState })[]>(
    `with moved as (
       update uploads
       set offset_bytes = ?, lease_until = ${LEASED}, ${completedAt('?', 'length_bytes')},
           expires_at = clock_timestamp() + make_interval(secs => ?)
       where id = ? and epoch = ? and lease_holder = ? and state = 'open' and offset_bytes = ? and ${length}
       returning state, ${IS_WANTED}
     ), grown as (
       update upload_segments set size_bytes = size_bytes + ?
       where upload_id = ? and number = ? and exists (select 1 from moved)
     )
     select * from moved`,
    [
      ...[toBytes, toBytes, toBytes, expirySec, uploadId, epoch, holder, fromBytes, toBytes],
      ...[toBytes - fromBytes, uploadId, epoch],
    ],
  );
  return rows[0] ?? null;
}
