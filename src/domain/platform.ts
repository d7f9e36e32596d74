/** Where posts go. */

/** The platforms, in the order in which they are shown. */
export const PLATFORMS = [
  'tiktok',
  'instagram',
  'youtube',
  'facebook',
  'x',
  'threads',
  'linkedin',
  'pinterest',
  'bluesky',
  'reddit',
  'flic',
] as const;
export type Platform = (typeof PLATFORMS)[number];

/** Who brings posts to platforms; `test` is built in, for trying things without an account anywhere. */
export const PROVIDERS = ['upload_post', 'flic', 'test'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Where each provider can bring a post. */
export const PLATFORMS_OF: Readonly<Record<Provider, readonly Platform[]>> = {
  upload_post: PLATFORMS.filter((platform) => platform !== 'flic'),
  flic: ['flic'],
  test: PLATFORMS,
};
