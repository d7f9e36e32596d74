import assert from 'node:assert/strict';
import { renderPage } from '../../src/http/shares/player/page.ts';
import type { EndedPage, PlayerPage } from '../../src/http/shares/sharePage.ts';
import { startApi, type TestApi, type TestUser } from '../support/api.ts';
import { makeReady, playWorker, upload } from '../support/processedVideo.ts';
import { makeShare, openSession } from '../support/sharing.ts';
import { waitFor } from '../support/stack.ts';
import { videoBytes } from '../support/uploading.ts';

const URL_OF_PAGE = 'https://video.example/s/h4ndl3';
const PAGE: PlayerPage = {
  kind: 'player',
  url: URL_OF_PAGE,
  title: 'A walk',
  description: 'Along the\n\n  harbour',
  state: 'ready',
  durationSec: 165.04,
  width: 1280,
  height: 720,
  hasPoster: true,
  hasStoryboard: true,
  captions: { language: 'pt-br' },
  downloadUrl: `${URL_OF_PAGE}/download`,
};
const ATTACKS = [
  '</title><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' autofocus onfocus=alert(1) x='",
  '</textarea></noscript></style><svg/onload=alert(1)>',
  '&lt;script&gt; &amp; &#x3c;b&#x3e;',
  '{{alert(1)}} <!-- --> ]]> `',
];

const render = (changes: Partial<PlayerPage> = {}) => renderPage({ ...PAGE, ...changes }, '').html;

/** The page as a browser takes it apart: tags with their attributes, and the text between them. */
function parse(html: string) {
  const tags = [...html.matchAll(/<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z:-]+(?:="[^"]*")?)*)\s*\/?>/gi)];
  return {
    names: tags.map(([, slash, name]) => `${slash}${name}`),
    attributes: tags.flatMap(([, , , list = '']) =>
      [...list.matchAll(/([a-z:-]+)(?:="([^"]*)")?/gi)].map(
        ([, name = '', value = '']) => [name, value] as const,
      ),
    ),
    rest: tags.reduce((text, [tag]) => text.replace(tag, ''), html.replace('<!doctype html>', '')),
  };
}
const decode = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
/** What a `meta` says. */
const meta = (html: string, name: string): string | null => {
  const found = new RegExp(`<meta (?:name|property)="${name}" content="([^"]*)">`).exec(html);
  return found ? decode(found[1] ?? '') : null;
};

describe('the page of a share', () => {
  describe('what users wrote', () => {
    const clean = parse(render());

    for (const attack of ATTACKS)
      it(`stays text: ${attack}`, () => {
        const html = render({ title: attack, description: attack });
        const parsed = parse(html);
        assert.deepEqual(parsed.names, clean.names, 'the same tags');
        assert.deepEqual(
          parsed.attributes.map(([name]) => name),
          clean.attributes.map(([name]) => name),
          'the same attributes',
        );
        assert.doesNotMatch(parsed.rest, /[<>"']/);
        assert.equal(decode(/<title>(.*)<\/title>/.exec(html)?.[1] ?? ''), attack);
        assert.equal(decode(/<h1 dir="auto">(.*)<\/h1>/.exec(html)?.[1] ?? ''), attack);
        assert.equal(meta(html, 'og:title'), attack);
        assert.equal(meta(html, 'twitter:title'), attack);
        assert.equal(meta(html, 'og:description'), attack);
      });

    it('leaves out an empty description and a download that is not allowed', () => {
      assert.doesNotMatch(render({ description: ' \n' }), /class="description"/);
      assert.doesNotMatch(render({ downloadUrl: null }), /[Dd]ownload/);
    });
  });

  describe('what it loads', () => {
    it('is nothing from elsewhere and nothing inline', () => {
      for (const html of [
        render(),
        render({ state: 'unavailable' }),
        render({ state: 'preparing' }),
        renderPage({ kind: 'ended', reason: 'expired' }, '').html,
      ]) {
        const { attributes } = parse(html);
        for (const [name, value] of attributes) {
          assert.doesNotMatch(name, /^(style|on.*)$/);
          if (['src', 'poster'].includes(name) || name === 'href')
            assert.match(value, /^(\/s\/|https:\/\/video\.example\/s\/h4ndl3\/download$)/);
        }
        assert.doesNotMatch(html, /<style|<script(?! type="module" src=)|<base|<iframe|<form/);
      }
    });

    it('says of every button what it does', () => {
      for (const [button] of render().matchAll(/<(button|input)[^>]*>(?!Try again)/g))
        assert.match(button, /aria-label="[A-Z]/);
    });
  });

  describe('where the link is pasted', () => {
    it('shows title, description and picture', () => {
      const html = render();
      assert.equal(meta(html, 'og:title'), 'A walk');
      assert.equal(meta(html, 'og:description'), 'Along the harbour');
      assert.equal(meta(html, 'og:image'), `${URL_OF_PAGE}/poster.jpg`);
      assert.equal(meta(html, 'og:url'), URL_OF_PAGE);
      assert.equal(meta(html, 'og:type'), 'video.other');
      assert.equal(meta(html, 'video:duration'), '165');
      assert.equal(meta(html, 'twitter:card'), 'summary_large_image');
      assert.equal(meta(html, 'twitter:image'), `${URL_OF_PAGE}/poster.jpg`);
      assert.equal(meta(html, 'robots'), 'noindex');
    });

    it('does without what there is not', () => {
      const html = render({ description: null, hasPoster: false, durationSec: null });
      assert.equal(meta(html, 'og:image'), null);
      assert.equal(meta(html, 'video:duration'), null);
      assert.equal(meta(html, 'twitter:card'), 'summary');
      assert.ok(meta(html, 'og:description'));
    });

    it('cuts a long description between characters as people see them', () => {
      const family = '👨‍👩‍👧';
      const summary = meta(render({ description: family.repeat(500) }), 'og:description') ?? '';
      assert.equal(summary, `${family.repeat(199)}…`);
    });
  });

  describe('of a link that has ended', () => {
    const reasons: [EndedPage['reason'], RegExp][] = [
      ['expired', /has expired/],
      ['revoked', /no longer shared/],
      ['used_up', /used up/],
      ['missing', /no video here/],
      ['no_download', /not for download/],
      ['too_many', /too much at once/i],
    ];
    for (const [reason, words] of reasons)
      it(`says so (${reason}), without a script and without a preview`, () => {
        const { html, contentSecurityPolicy } = renderPage({ kind: 'ended', reason }, '');
        assert.match(/<h1>(.*)<\/h1>/.exec(html)?.[1] ?? '', words);
        assert.doesNotMatch(html, /<script|og:/);
        assert.doesNotMatch(contentSecurityPolicy, /script|media|connect|unsafe/);
      });
  });

  describe('as it is served', () => {
    let api: TestApi;
    let user: TestUser;
    before(async () => {
      api = await startApi({ PUBLIC_URL: 'https://video.example' });
      user = await api.makeUser();
    });
    after(() => api.close());

    it('is a page with a tight policy that nobody keeps', async () => {
      const id = await makeReady(api, user, { bytes: videoBytes(5000) });
      const json = { title: 'A <b>walk</b>', description: '"quoted"' };
      await api.call(`/v1/videos/${id}`, { method: 'PATCH', token: user.token, json });
      const { path } = await makeShare(api, user, id, { allow_download: true });
      const { status, headers, body } = await api.call(path);
      assert.equal(status, 200);
      assert.equal(headers.get('content-type'), 'text/html; charset=utf-8');
      assert.equal(
        headers.get('content-security-policy'),
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      assert.match(headers.get('cache-control') ?? '', /no-store/);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.match(headers.get('x-robots-tag') ?? '', /noindex/);
      assert.equal(headers.get('set-cookie'), null);
      assert.match(body, /<h1 dir="auto">A &lt;b&gt;walk&lt;\/b&gt;<\/h1>/);
      assert.equal(meta(body, 'og:image'), `https://video.example${path}/poster.jpg`);
      assert.equal((await api.call(`${path}/poster.jpg`)).status, 200);
      assert.match(body, /aria-valuemax="165"/);
      const head = await api.call(path, { method: 'HEAD' });
      assert.deepEqual([head.status, head.body], [200, '']);
    });

    it('has a player only when there is something to play', async () => {
      const { path } = await makeShare(api, user, await upload(api, user, videoBytes(5000)));
      const { status, body } = await api.call(path);
      assert.equal(status, 200);
      assert.match(body, /still being prepared/);
      assert.doesNotMatch(body, /<video|player\.js/);
    });

    it('says of a video that was given up that there is nothing to wait for, and runs nothing', async () => {
      for (const end of ['failed', 'cancelled']) {
        const id = await upload(api, user, videoBytes(5000));
        const { path } = await makeShare(api, user, id);
        if (end === 'cancelled') await api.sql(`update videos set status = 'cancelled' where id = $1`, [id]);
        else await playWorker(api, id).fail('source', 'corrupt_media');
        const { status, headers, body } = await api.call(path);
        assert.equal(status, 200);
        assert.match(body, /could not be prepared/);
        assert.doesNotMatch(body, /still being prepared|id="waiting"|<video|<script/);
        assert.doesNotMatch(headers.get('content-security-policy') ?? '', /script|media|connect/);
        const session = await api.call(`${path}/session`);
        assert.deepEqual(
          [session.status, session.body.code, session.body.retryable],
          [409, 'not_ready', false],
        );
      }
    });

    it('finds its parts behind a proxy that gives us only a part of its host', async () => {
      const { PUBLIC_URL } = api.config;
      api.config.PUBLIC_URL = 'https://video.example/films';
      try {
        const id = await makeReady(api, user, { bytes: videoBytes(5000) });
        const share = await makeShare(api, user, id);
        const pages = [await api.call(share.path), await api.call('/s/nothing')];
        for (const { body } of pages) {
          const addresses = [...body.matchAll(/(?:src|href|poster|data-\w+)="(\/[^"]+)"/g)].map(
            ([, path]) => path,
          );
          assert.ok(addresses.some((address) => address.endsWith('.css')));
          for (const address of addresses) {
            assert.match(address, /^\/films\/s\//);
            assert.equal((await api.call(address.slice('/films'.length))).status, 200, address);
          }
        }
        assert.match(await openSession(api, share), /^\/s\//);
      } finally {
        api.config.PUBLIC_URL = PUBLIC_URL;
      }
    });

    it('is a page for people when the link has ended, too', async () => {
      const id = await makeReady(api, user, { bytes: videoBytes(5000) });
      const [expired, revoked] = [
        await makeShare(api, user, id, { expires_in: 1 }),
        await makeShare(api, user, id),
      ];
      await api.call(`/v1/shares/${revoked.id}`, { method: 'DELETE', token: user.token });
      await waitFor(async () => (await api.call(expired.path)).status === 410, {
        what: 'the link to expire',
      });
      const cases: [string, number, RegExp][] = [
        [expired.path, 410, /This link has expired/],
        [revoked.path, 410, /no longer shared/],
        ['/s/nothing', 404, /no video here/],
      ];
      for (const [path, expected, words] of cases) {
        const { status, headers, body } = await api.call(path);
        assert.equal(status, expected);
        assert.equal(headers.get('content-type'), 'text/html; charset=utf-8');
        assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'self'/);
        assert.match(body, words);
      }
    });

    it('finds all its parts here, to be kept for a year', async () => {
      const pages = [render(), render({ state: 'preparing' })].join('\n');
      const paths = new Set([...pages.matchAll(/"(\/s\/assets\/[^"]+)"/g)].map(([, path]) => path ?? ''));
      assert.ok(paths.size > 10);
      for (const path of paths) {
        const { status, headers, body } = await api.call(path);
        assert.equal(status, 200, path);
        assert.equal(headers.get('cache-control'), 'public, max-age=31536000, immutable');
        assert.match(
          headers.get('content-type') ?? '',
          /^(text\/(css|javascript); charset=utf-8|image\/svg\+xml)$/,
        );
        assert.equal(headers.get('x-content-type-options'), 'nosniff');
        // What scripts and styles load in their turn is in the same folder.
        for (const [, from] of String(body).matchAll(/from '([^']+)'/g)) {
          assert.ok(paths.has(new URL(from ?? '', `http://x${path}`).pathname), `${path} loads ${from}`);
        }
        assert.doesNotMatch(String(body).replaceAll('http://www.w3.org/2000/svg', ''), /https?:\/\//);
      }
    });

    it('gives an older page what there is now, but not to keep, and nothing beside its parts', async () => {
      const { status, headers } = await api.call('/s/assets/0123456789abcdef/player.js');
      assert.deepEqual([status, headers.get('cache-control')], [200, 'no-cache']);
      for (const name of ['tsconfig.json', '..%2Fpage.ts', '%2e%2e%2fpage.ts', 'constructor', 'nothing.js'])
        assert.equal((await api.call(`/s/assets/0123456789abcdef/${name}`)).status, 404, name);
    });
  });
});
