/** Rounds seconds to whole milliseconds, which are more than anybody can tell. They stay seconds. */
export const roundToMs = (sec: number): number => Math.round(sec * 1000) / 1000;
