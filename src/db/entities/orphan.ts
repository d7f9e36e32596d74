import { defineEntity, p } from '@mikro-orm/core';

const schema = defineEntity({
  name: 'Orphan',
  tableName: 'orphans',
  properties: {
    /** The storage key of an object that no row speaks of. */
    key: p.text().primary(),
    firstSeenAt: p.datetime(3).onCreate(() => new Date()),
    lastSeenAt: p.datetime(3).onCreate(() => new Date()),
  },
});

/** An object without a row, remembered from one housekeeping to the next. */
export class Orphan extends schema.class {}
schema.setClass(Orphan);
