import type { RequiredEntityData } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AssetKind } from '../domain/video.ts';
import { Asset } from './entities/asset.ts';
import type { Video } from './entities/video.ts';

export interface NewAsset {
  kind: AssetKind;
  /** Tells files of one kind apart; left out where there is only one. */
  variant?: string;
  key: string;
  contentType: string;
  sizeBytes: number;
  width: number | null;
  height: number | null;
}

/** Makes files the video's own in place of those they replace. @returns the keys of these, for removal */
export async function promoteAssets(tx: EntityManager, video: Video, assets: NewAsset[]): Promise<string[]> {
  const same = assets.map(({ kind, variant = '' }) => ({ kind, variant }));
  const replaced = same.length === 0 ? [] : await tx.find(Asset, { video: video.id, $or: same });
  await tx.nativeDelete(Asset, { id: { $in: replaced.map((asset) => asset.id) } });
  for (const asset of assets) tx.create(Asset, { ...asset, video } as RequiredEntityData<Asset>);
  return replaced.map((asset) => asset.key).filter((key) => !assets.some((asset) => asset.key === key));
}
