import { v7 as uuidv7 } from 'uuid';

/** Gives a new id: UUIDv7, so that ids sort by the time of their making. */
export const newId = (): string => uuidv7();
