import { seededRandom } from './stack.ts';

/**
 * The cases of a normal run: so many of all, others with every seed, in their order. CAMPAIGN=1 takes all of them.
 *
 * @param name makes the choice independent of those of other tests
 */
export function sample<Case>(name: string, cases: readonly Case[], count: number): Case[] {
  if (process.env.CAMPAIGN) return [...cases];
  const random = seededRandom(`sample ${name}`);
  const left = cases.map((_, at) => at);
  const chosen = Array.from({ length: Math.min(count, left.length) }, () =>
    left.splice(random.int(0, left.length - 1), 1),
  );
  return chosen
    .flat()
    .sort((a, b) => a - b)
    .map((at) => cases[at] as Case);
}
