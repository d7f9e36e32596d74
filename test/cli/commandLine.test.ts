import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { EXIT_MEANINGS } from '../../src/cli/exitCodes.ts';
import { readUploadRequest } from '../../src/cli/upload/options.ts';
import { makePlace, type Place } from './session.ts';

describe('the command line', () => {
  let place: Place;

  before(async () => {
    place = await makePlace();
  });

  after(() => place.remove());

  it('shows the version', async () => {
    assert.deepEqual(await place.run(['--version']), {
      code: 0,
      stdout: '0.0.0-test\n',
      stderr: '',
      lines: [],
    });
  });

  for (const args of [
    ['--help'],
    ['upload', '--help'],
    ['admin', 'housekeeping', '-h'],
    ['admin', '--help'],
    ['telegram', 'link', '--help'],
    ['telegram', '-h'],
  ]) {
    it(`explains itself: ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await place.run(args);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^Usage: videoflow /);
      for (const [exitCode, meaning] of EXIT_MEANINGS) {
        assert.match(stdout, new RegExp(`^ +${exitCode} +${meaning.slice(0, 40)}`, 'm'));
      }
      assert.ok(stdout.split('\n').every((line) => line.length <= 100));
    });
  }

  for (const [args, reason] of [
    [[], /See videoflow --help/],
    [['nonsense'], /no command "nonsense"/],
    [['toString'], /no command "toString"/],
    [['--nonsense'], /Unknown option '--nonsense'/],
    [['upload'], /Which files\?/],
    [['upload', '--parallel', '0', 'a'], /--parallel must be a whole number from 1 to 16/],
    [['upload', '--parallel', 'many', 'a'], /--parallel must be/],
    [['upload', '--retry-for', '-1', 'a'], /retry-for/],
    [['upload', '--title', 't', 'a', 'b'], /--title can only be given with a single file/],
    [['upload', '--external-id', 'e', 'a', 'b'], /--external-id can only/],
    [
      ['upload', '--process', 'thumbnail,dance', 'a'],
      /--process takes thumbnail, storyboard, transcript, audio or none, not "dance"/,
    ],
    [['upload', '--title'], /--title/],
    [['upload', 'a'], /No address is known: give --url, set VIDEOFLOW_URL/],
    [['upload', '--url', 'http://127.0.0.1:1', 'a'], /No token is known: give --token, set VIDEOFLOW_TOKEN/],
    [['upload', '--url', 'ftp://a', '--token', 't', 'a'], /must be like https:/],
    [['upload', '--url', 'http://u:p@a', '--token', 't', 'a'], /must be like https:/],
    [['upload', '--url', 'http://a', '--token', 'a b', 'a'], /characters that no token has/],
    [['admin', 'housekeeping', 'now'], /takes options only/],
    [['telegram', 'link', 'me'], /takes options only/],
    [['telegram', 'link'], /No address is known/],
  ] as Array<[string[], RegExp]>) {
    it(`refuses: ${args.join(' ') || '(nothing)'}`, async () => {
      const { code, stdout, stderr } = await place.run(args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, reason);
      assert.match(stderr, /^videoflow: [^\n]+\n$/, 'one line, no stack');
    });
  }

  it('has left nothing behind', async () => {
    assert.deepEqual(await readdir(place.dir), []);
  });

  it('reads what an upload may be told', () => {
    assert.deepEqual(
      readUploadRequest(['a.mp4', '-p', '5', '-w', 'b.mp4', '--process', 'none', '--retry-for=9']),
      {
        files: ['a.mp4', 'b.mp4'],
        access: {},
        parallel: 5,
        isToWait: true,
        isJson: false,
        patienceMs: 9000,
        metadata: { process: '[]' },
      },
    );
    assert.deepEqual(readUploadRequest(['--', '-w'])?.files, ['-w'], 'after -- everything is a file');
    assert.equal(
      readUploadRequest(['a', '--process=storyboard', '--process', 'thumbnail'])?.metadata.process,
      '["storyboard","thumbnail"]',
    );
  });
});
