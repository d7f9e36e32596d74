interface Asked<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Makes a question of many out of questions of one: what is asked while others are being answered is asked together next. So
 * nobody waits while there is little to do, and with much to do there are few questions.
 *
 * @param answer gives a result for each item, in their order
 */
export function inBatches<Item, Result>(
  answer: (items: Item[]) => Promise<Result[]>,
  { maxItems, maxRunning = 1 }: { maxItems: number; maxRunning?: number },
): (item: Item) => Promise<Result> {
  const waiting: Asked<Item, Result>[] = [];
  let running = 0;

  async function run(): Promise<void> {
    running += 1;
    // Those who ask in the same moment are one batch already.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.splice(0, maxItems);
      try {
        const results = await answer(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => {
          resolve(results[index] as Result);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running -= 1;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (running < maxRunning) void run();
    });
}
