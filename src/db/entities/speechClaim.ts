import { defineEntity, p } from '@mikro-orm/core';

const schema = defineEntity({
  name: 'SpeechClaim',
  tableName: 'speech_claims',
  properties: {
    /** A hash of what is asked, and for whom. */
    key: p.text().primary(),
    holder: p.uuid(),
    /** Who holds it and does not say so again until then is gone. */
    heldUntil: p.datetime(3),
  },
});

/** A question that somebody is asking a transcriber right now: nobody else need pay for its answer. */
export class SpeechClaim extends schema.class {}
schema.setClass(SpeechClaim);
