import { randomUUID } from 'node:crypto';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Asset } from '../../src/db/entities/asset.ts';
import { Orphan } from '../../src/db/entities/orphan.ts';
import { Share } from '../../src/db/entities/share.ts';
import { ShareSession } from '../../src/db/entities/shareSession.ts';
import { Upload } from '../../src/db/entities/upload.ts';
import { UploadSegment } from '../../src/db/entities/uploadSegment.ts';
import { User } from '../../src/db/entities/user.ts';
import { Video } from '../../src/db/entities/video.ts';
import { newId } from '../../src/db/ids.ts';
import { openOrm } from '../../src/db/orm.ts';
import type { UploadState } from '../../src/domain/upload.ts';
import { uniqueName } from './stack.ts';

export const HOUR_MS = 3600 * 1000;
export const DAY_MS = 24 * HOUR_MS;

export interface MadeUpload {
  state: UploadState;
  /** From now; negative when its time is over. */
  expiresInMs: number;
  endedAgoMs?: number;
  /** A writer holds it. */
  isHeld?: boolean;
  /** How old its bytes are. */
  ageMs?: number;
}

/** Rows and stored files as a long life of uploads leaves them, made directly and many at a time. */
export interface StoredWorld {
  /** Stores an object as old as wanted. @returns its key */
  store(key: string, ageMs: number): Promise<string>;
  /** Videos with a source and three assets each. @returns the keys of all their objects */
  makeFinished(count: number, ageMs?: number): Promise<string[]>;
  /** Uploads of one segment each. */
  makeUploads(count: number, made: MadeUpload): Promise<{ uploadId: string; videoId: string; key: string }[]>;
  /** Objects without a row; with `seenAgoMs` earlier housekeepings have seen them. @returns their keys */
  makeOrphans(count: number, options?: { ageMs?: number; seenAgoMs?: number }): Promise<string[]>;
  /** Views of one link to a video, so long ago each. */
  makeShareSessions(agesMs: number[]): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: rows of every shape
  sql(statement: string, parameters?: unknown[]): Promise<any[]>;
  close(): Promise<void>;
}

export async function openStoredWorld(options: {
  databaseUrl: string;
  storageDir: string;
  userId?: string;
}): Promise<StoredWorld> {
  const { databaseUrl, storageDir } = options;
  const orm = await openOrm({ databaseUrl, poolMax: 2 });
  const userId = options.userId ?? (await insertUser(orm.em.fork()));
  const ago = (ms: number) => new Date(Date.now() - ms);
  const store = async (key: string, ageMs: number): Promise<string> => {
    const path = join(storageDir, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'bytes');
    await utimes(path, ago(ageMs), ago(ageMs));
    return key;
  };
  const insert = async (fill: (em: EntityManager, owner: User) => void): Promise<void> => {
    const em = orm.em.fork();
    fill(em, em.getReference(User, userId));
    await em.flush();
  };
  const each = <Made>(count: number, make: (index: number) => Made): Made[] =>
    Array.from({ length: count }, (_, index) => make(index));
  return {
    store,
    async makeFinished(count, ageMs = 30 * DAY_MS) {
      const keys: string[] = [];
      await insert((em, user) => {
        for (const id of each(count, newId)) {
          const video = em.create(Video, {
            ...videoFacts(id, user),
            status: 'ready',
            sourceKey: `sources/${id}`,
          } as RequiredEntityData<Video>);
          keys.push(`sources/${id}`);
          for (const kind of ['thumbnail', 'storyboard_image', 'storyboard_index'] as const) {
            const key = `assets/${id}/1-1-${kind}`;
            em.create(Asset, {
              video,
              kind,
              key,
              contentType: 'image/jpeg',
              sizeBytes: 5,
            } as RequiredEntityData<Asset>);
            keys.push(key);
          }
        }
      });
      await Promise.all(keys.map((key) => store(key, ageMs)));
      return keys;
    },
    async makeUploads(count, { state, expiresInMs, endedAgoMs, isHeld = false, ageMs = HOUR_MS }) {
      const made = each(count, () => ({ uploadId: newId(), videoId: newId(), key: '' }));
      await insert((em, user) => {
        for (const one of made) {
          const folder = `uploads/${one.uploadId}/1-${uniqueName('s')}/`;
          one.key = `${folder}0`;
          const video = em.create(Video, {
            ...videoFacts(one.videoId, user),
            status: 'awaiting_upload',
          } as RequiredEntityData<Video>);
          const upload = em.create(Upload, {
            id: one.uploadId,
            user,
            video,
            hasOwnVideo: true,
            protocol: 'tus',
            state,
            lengthBytes: 10,
            offsetBytes: 5,
            optionalSteps: [],
            // The engine was told, once.
            startedAt: ago(0),
            expiresAt: ago(-expiresInMs),
            endedAt: endedAgoMs === undefined ? null : ago(endedAgoMs),
            clearedAt: endedAgoMs === undefined ? null : ago(endedAgoMs),
            leaseHolder: isHeld ? 'a writer' : null,
            leaseUntil: isHeld ? ago(-HOUR_MS) : null,
          } as unknown as RequiredEntityData<Upload>);
          em.create(UploadSegment, {
            upload,
            number: 1,
            key: folder,
            sizeBytes: 5,
          } as RequiredEntityData<UploadSegment>);
        }
      });
      await Promise.all(made.map(({ key }) => store(key, ageMs)));
      return made;
    },
    async makeOrphans(count, { ageMs = 3 * DAY_MS, seenAgoMs } = {}) {
      const keys = each(count, (index) =>
        index % 2 ? `sources/${newId()}` : `assets/${newId()}/1-1-thumbnail.jpg`,
      );
      await Promise.all(keys.map((key) => store(key, ageMs)));
      if (seenAgoMs !== undefined) {
        // One moment: a millisecond between the two would look like a second pass.
        const seenAt = ago(seenAgoMs);
        await insert((em) => {
          for (const key of keys) em.create(Orphan, { key, firstSeenAt: seenAt, lastSeenAt: seenAt });
        });
      }
      return keys;
    },
    async makeShareSessions(agesMs) {
      await insert((em, user) => {
        const video = em.create(Video, {
          ...videoFacts(newId(), user),
          status: 'ready',
        } as RequiredEntityData<Video>);
        const share = em.create(Share, {
          user,
          video,
          handleHash: uniqueName('hash'),
          expiresAt: ago(-DAY_MS),
        } as unknown as RequiredEntityData<Share>);
        for (const ageMs of agesMs)
          em.create(ShareSession, { id: randomUUID(), share, createdAt: ago(ageMs) });
      });
    },
    sql: (statement, parameters = []) => orm.em.fork().execute(statement, parameters),
    close: () => orm.close(),
  };
}

const videoFacts = (id: string, user: User) => ({ id, user, title: 'A test', tags: [], sizeBytes: 5 });

async function insertUser(em: EntityManager): Promise<string> {
  const user = em.create(User, {
    username: uniqueName('user'),
    passwordHash: 'none',
    scopes: ['read', 'write'],
  } as RequiredEntityData<User>);
  await em.flush();
  return user.id;
}
