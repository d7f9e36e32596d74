import { z } from 'zod';
import type { Edit } from '../db/entities/edit.ts';
import {
  EDIT_KINDS,
  EDIT_METHODS,
  EDIT_STATUSES,
  MERGE_FITS,
  RENDERING_PERCENT,
  TRIM_MODES,
} from '../domain/edit.ts';
import { isCoreStep, overallPercent } from '../domain/video.ts';
import { failureSchema, toFailure } from './videos.ts';

const instant = z.iso.datetime();

export const editSchema = z
  .strictObject({
    id: z.uuid(),
    kind: z.enum(EDIT_KINDS),
    status: z
      .enum(EDIT_STATUSES)
      .meta({ description: '`succeeded` when the new video is stored, probed and can be streamed' }),
    percent: z.int().min(0).max(100),
    method: z.enum(EDIT_METHODS).nullable().meta({
      description:
        '`copy`: nothing was encoded again; `smart`: only what had to be; `encode`: all of it. Null before the file is made',
    }),
    video_id: z
      .uuid()
      .nullable()
      .meta({ description: 'The new video, from the moment its file is stored until it is deleted' }),
    parents: z.array(z.uuid()).meta({ description: 'The videos it is made of, in their order' }),
    title: z.string().meta({ description: 'Of the new video' }),
    start_sec: z.number().nullable(),
    end_sec: z.number().nullable(),
    mode: z.enum(TRIM_MODES).nullable(),
    used_start_sec: z
      .number()
      .nullable()
      .meta({ description: 'Where in the old video the new one really begins; of a trim' }),
    used_end_sec: z.number().nullable(),
    fit: z.enum(MERGE_FITS).nullable(),
    error: failureSchema.nullable(),
    created_at: instant,
    started_at: instant.nullable(),
    ended_at: instant.nullable(),
  })
  .meta({ id: 'Edit', description: 'A trim or a merge, which makes a new video' });

/** Most of it is the making of the file; the rest is the processing of the new video, as far as that decides. */
function percentOf(edit: Edit): number {
  if (edit.status === 'succeeded') return 100;
  if (!edit.renderedAt) return edit.percent;
  const core = [...(edit.video?.steps ?? [])].filter((step) => isCoreStep(step.name));
  return RENDERING_PERCENT + Math.floor((overallPercent(core) * (100 - RENDERING_PERCENT)) / 100);
}

/** Gives an edit as the API shows it. */
export const toEditView = (edit: Edit): z.output<typeof editSchema> => ({
  id: edit.id,
  kind: edit.kind,
  status: edit.status,
  percent: percentOf(edit),
  method: edit.method ?? null,
  video_id: edit.video?.id ?? null,
  parents: edit.parents,
  title: edit.title,
  start_sec: edit.startSec ?? null,
  end_sec: edit.endSec ?? null,
  mode: edit.mode ?? null,
  used_start_sec: edit.usedStartSec ?? null,
  used_end_sec: edit.usedEndSec ?? null,
  fit: edit.fit ?? null,
  error: toFailure(edit),
  created_at: edit.createdAt.toISOString(),
  started_at: edit.startedAt?.toISOString() ?? null,
  ended_at: edit.endedAt?.toISOString() ?? null,
});
