import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaToolError } from '../../src/errors.ts';
import { mediaUnderTest, withFolder } from '../support/mediaAdapter.ts';

const toolError = (code: string) => (error: unknown) =>
  error instanceof MediaToolError && error.code === code;

/** Puts a script in the place of a tool that knows everything but one option. */
async function withoutOption(folder: string, tool: 'ffmpeg' | 'ffprobe', option: string): Promise<string> {
  const path = join(folder, tool);
  const refusal = `echo "Unrecognized option '${option}'." >&2; exit 1`;
  await writeFile(path, `#!/bin/sh\ncase "$*" in *${option}*) ${refusal};; esac\nexec ${tool} "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

describe('assertUsable', () => {
  it('is content with this machine, after trying every kind of command', () =>
    withFolder(async (folder) => {
      const { media, lines } = mediaUnderTest();
      await media.assertUsable(folder);
      const commands = lines.filter((line) => line.tool).map((line) => line.argv?.join(' ') ?? '');
      const tried = [
        'noise=drop',
        '-f nut -i pipe:0 -map 0:0',
        'select=',
        '-q:v 3',
        'libx264',
        ':a:0 aac',
        'zscale',
        '-sseof',
        'libmp3lame',
        '-f ipod',
        '-c:a libopus',
        '-f segment',
      ];
      for (const part of tried) {
        assert.equal(commands.filter((command) => command.includes(part)).length, 1, part);
      }
      // Of the sample, and of what was made of it.
      assert.equal(commands.filter((command) => command.includes('-show_entries')).length, 2);
      assert.ok(lines.filter((line) => line.tool).every((line) => line.exitCode === 0));
    }));

  it('refuses a machine without ffmpeg or ffprobe, and says what to install', () =>
    withFolder(async (folder) => {
      for (const missing of [{ FFMPEG_PATH: '/nowhere/ffmpeg' }, { FFPROBE_PATH: '/nowhere/ffprobe' }]) {
        const { media } = mediaUnderTest(missing);
        await assert.rejects(media.assertUsable(folder), (error: Error) => {
          assert.match(error.message, /install ffmpeg or set FF(MPEG|PROBE)_PATH/);
          return toolError('media_tool_missing')(error);
        });
      }
    }));

  it('refuses tools that lack an option we depend on, and logs which', () =>
    withFolder(async (folder) => {
      const lacks = [
        ['ffprobe', '-format_whitelist'],
        ['ffmpeg', '-fps_mode'],
        ['ffmpeg', 'metadata=mode=print'],
        ['ffmpeg', '-stats_period'],
        ['ffmpeg', 'libx264'],
        ['ffmpeg', '-frame_duration'],
        ['ffmpeg', 'libmp3lame'],
        ['ffmpeg', 'ipod'],
        ['ffmpeg', '+faststart'],
      ] as const;
      for (const [tool, option] of lacks) {
        const path = await withoutOption(folder, tool, option);
        const { media, lines } = mediaUnderTest({ [`${tool.toUpperCase()}_PATH`]: path });
        await assert.rejects(media.assertUsable(folder), toolError('media_tool_unusable'), option);
        assert.ok(
          lines.some((line) => String(line.stderrTail).includes(option)),
          option,
        );
      }
    }));
});
