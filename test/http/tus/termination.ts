import assert from 'node:assert/strict';
import { v7 as uuidv7 } from 'uuid';
import type { Statement } from './conversation.ts';

const SIZE = 5000;

export const termination: readonly Statement[] = [
  [
    'DELETE is answered 204',
    async (tus) => {
      const { status, body } = await tus.remove(await tus.begin(SIZE));
      assert.deepEqual([status, body], [204, '']);
    },
  ],
  [
    'DELETE in the middle ends the upload, and the engine is told to free what it holds',
    async (tus, api) => {
      const path = await tus.begin(SIZE);
      await tus.patch(path, 0, tus.bytes(1000));
      const { id } = await tus.show(path);
      api.flowCalls.length = 0;
      assert.equal((await tus.remove(path)).status, 204);
      assert.equal((await tus.show(path)).state, 'terminated');
      const told = api.flowCalls.map(({ command, input }) => [
        command,
        (input as { uploadId: string }).uploadId,
      ]);
      assert.deepEqual(told, [['receiveUpload', id]]);
    },
  ],
  [
    'HEAD after DELETE gets 410',
    async (tus) => {
      const path = await tus.begin(SIZE);
      await tus.remove(path);
      const { status, headers } = await tus.head(path);
      assert.deepEqual([status, headers.get('upload-offset')], [410, null]);
    },
  ],
  [
    'PATCH after DELETE gets 410',
    async (tus) => {
      const path = await tus.begin(SIZE);
      await tus.remove(path);
      assert.equal((await tus.patch(path, 0, tus.bytes(10))).body.code, 'upload_gone');
    },
  ],
  [
    'DELETE after DELETE gets 410',
    async (tus) => {
      const path = await tus.begin(SIZE);
      await tus.remove(path);
      assert.equal((await tus.remove(path)).status, 410);
    },
  ],
  [
    'DELETE of an upload that never was gets 404',
    async (tus) => {
      assert.equal((await tus.remove(`/v1/uploads/${uuidv7()}`)).status, 404);
    },
  ],
  [
    'a complete upload that is not handed over yet can be ended',
    async (tus) => {
      const path = await tus.begin(SIZE);
      await tus.patch(path, 0, tus.bytes(SIZE));
      assert.equal((await tus.remove(path)).status, 204);
    },
  ],
  [
    'one that has become a video cannot: 409, and the video stays',
    async (tus, api) => {
      const path = await tus.begin(SIZE);
      await tus.patch(path, 0, tus.bytes(SIZE));
      const { id, video_id } = await tus.show(path);
      await api.sql(`update uploads set state = 'accepted', ended_at = now() where id = $1`, [id]);
      const answer = await tus.remove(path);
      assert.deepEqual([answer.status, answer.body.code], [409, 'not_possible']);
      assert.equal((await tus.ask('GET', `/v1/videos/${video_id}`)).status, 200);
    },
  ],
];
