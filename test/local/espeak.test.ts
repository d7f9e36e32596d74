import assert from 'node:assert/strict';
import { type EspeakProbes, ensureEspeak } from '../../src/local/espeak.ts';

function describeMachine({ isThere = false, canInstall = false, helps = true }) {
  const seen = { installs: 0, lines: [] as string[] };
  let runs = isThere;
  const probes: EspeakProbes = {
    runs: () => runs,
    canInstall: () => canInstall,
    install: async () => {
      seen.installs += 1;
      runs = helps;
      return true;
    },
    say: (line) => seen.lines.push(line),
  };
  return { probes, seen };
}

describe('the search for espeak-ng', () => {
  it('does and says nothing when it is there', async () => {
    const { probes, seen } = describeMachine({ isThere: true, canInstall: true });
    await ensureEspeak(probes);
    assert.deepEqual(seen, { installs: 0, lines: [] });
  });

  it('installs it where it may', async () => {
    const { probes, seen } = describeMachine({ canInstall: true });
    await ensureEspeak(probes);
    assert.equal(seen.installs, 1);
    assert.doesNotMatch(seen.lines.join('\n'), /skipped/);
  });

  for (const machine of [{ canInstall: false }, { canInstall: true, helps: false }])
    it(`says what is skipped and what to install: ${JSON.stringify(machine)}`, async () => {
      const { probes, seen } = describeMachine(machine);
      await ensureEspeak(probes);
      assert.match(seen.lines.at(-1) ?? '', /tests of speech are skipped.*apt-get install espeak-ng/);
    });
});
