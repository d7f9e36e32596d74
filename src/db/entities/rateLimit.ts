import { defineEntity, p } from '@mikro-orm/core';

const schema = defineEntity({
  name: 'RateLimit',
  tableName: 'rate_limits',
  properties: {
    // Names, types and their order are those that rate-limiter-flexible writes by position.
    key: p.string().length(255).primary(),
    points: p.integer().default(0),
    /** Milliseconds since 1970. */
    expire: p.bigint('number').nullable(),
  },
});

/** How much of a limit is used up; written by the rate limiter only. */
export class RateLimit extends schema.class {}
schema.setClass(RateLimit);
