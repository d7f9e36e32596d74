/**
 * Whether a webhook `w` has chosen an event `e`, as `isChosen` of src/domain/event.ts says it: nothing is everything.
 */
export const CHOOSES = `(w.types = '{}' or w.types && array['*', e.type, split_part(e.type, '.', 1) || '.*'])`;
