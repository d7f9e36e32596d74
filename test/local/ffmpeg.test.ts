import assert from 'node:assert/strict';
import { ensureFfmpeg, type FfmpegProbes } from '../../src/local/ffmpeg.ts';

const PROGRAMS = { ffmpeg: 'ffmpeg', ffprobe: '/opt/ffprobe' };

function describeMachine(there: string[], { canInstall = false, installs = [] as string[] } = {}) {
  const programs = new Set(there);
  const done: string[] = [];
  const probes: FfmpegProbes = {
    runs: (program) => programs.has(program),
    locate: (program) => (program.startsWith('/') ? program : `/usr/bin/${program}`),
    canInstall: () => canInstall,
    install: async () => {
      done.push('install');
      for (const program of installs) programs.add(program);
      return installs.length > 0;
    },
    say: () => undefined,
  };
  return { probes, done };
}

describe('the search for ffmpeg', () => {
  it('does nothing when both programs run', async () => {
    const { probes, done } = describeMachine(['ffmpeg', '/opt/ffprobe'], { canInstall: true });
    const found = await ensureFfmpeg(PROGRAMS, probes);
    assert.deepEqual(done, []);
    assert.deepEqual(found, { FFMPEG_PATH: '/usr/bin/ffmpeg', FFPROBE_PATH: '/opt/ffprobe' });
  });

  it('installs what is missing where it may', async () => {
    const { probes, done } = describeMachine([], { canInstall: true, installs: ['ffmpeg', '/opt/ffprobe'] });
    await ensureFfmpeg(PROGRAMS, probes);
    assert.deepEqual(done, ['install']);
  });

  it('says what to install, and which variables there are, where it may not', async () => {
    const { probes } = describeMachine(['ffmpeg']);
    await assert.rejects(
      ensureFfmpeg(PROGRAMS, probes),
      /^Refusal: \/opt\/ffprobe cannot be run.*FFPROBE_PATH/,
    );
  });

  it('says so too when the installation did not help', async () => {
    const { probes } = describeMachine([], { canInstall: true, installs: ['ffmpeg'] });
    await assert.rejects(ensureFfmpeg(PROGRAMS, probes), /ffprobe cannot be run/);
  });
});
