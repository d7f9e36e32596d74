import type { Permit } from './canaries.ts';

/** Where a secret may be read, and why. Everything else is a leak; and what is never read has no place here. */
export const PERMITS: Permit[] = [
  {
    secret: 'API token',
    place: /^answer 201 to POST \/v1\/tokens$/,
    because: 'it is shown once, to whoever logs in',
  },
  {
    secret: 'webhook secret',
    place: /^answer 201 to POST \/v1\/webhooks(\/:id\/secrets)?$/,
    because: 'it is shown once, to its owner',
  },
  {
    secret: 'secret in an address',
    place: /^answer 20[01] to (GET|POST|PATCH) \/v1\/webhooks(\/:id)?$/,
    because: 'the owner of a webhook sees where it goes',
  },
  {
    secret: 'signature of an address',
    place: /^answer 20[02] to (GET|POST|PATCH) \/v1\/videos(\/:id)?$/,
    because: 'addresses for browsers are made anew for each answer, and live for an hour',
  },
  {
    secret: 'handle of a share',
    place: /^answer 201 to POST \/v1\/videos\/:id\/shares$/,
    because: 'it is shown once, to whoever shares',
  },
  {
    secret: 'handle of a share',
    place: /^answer 200 to GET \/s\//,
    because: 'the page names its own files',
  },
  {
    secret: 'code of a link',
    place: /^answer 201 to POST \/v1\/me\/telegram\/link$/,
    because: 'it is shown once, to whoever wants to be told',
  },
  {
    secret: 'chat',
    place: /^(answer 200 to (GET|PATCH) \/v1\/me(\/telegram\/link)?$|table public\.(users|telegram_\w+)$)/,
    because: 'it is an address and no key: only the bot can write to it; its owner sees it',
  },
];
