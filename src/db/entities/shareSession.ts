import { defineEntity, p } from '@mikro-orm/core';
import { Share } from './share.ts';

const schema = defineEntity({
  name: 'ShareSession',
  tableName: 'share_sessions',
  properties: {
    id: p.uuid().primary(),
    share: () => p.manyToOne(Share).deleteRule('cascade').index(),
    /** When its first bytes went out, which made it a view. */
    createdAt: p
      .datetime(3)
      .onCreate(() => new Date())
      .index(),
  },
});

/** One player, or one download, that was counted. */
export class ShareSession extends schema.class {}
schema.setClass(ShareSession);
