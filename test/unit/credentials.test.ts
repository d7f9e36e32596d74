import assert from 'node:assert/strict';
import { readKey } from '../../src/domain/credentials.ts';

describe('the key in credentials as they are kept', () => {
  it('is in the one field of the provider', () => {
    assert.equal(readKey('upload_post', '{"api_key":"a"}'), 'a');
    assert.equal(readKey('flic', '{"flic_token":"a"}'), 'a');
  });

  it('is not there in what is of another provider, or is no such thing, and nothing of that is said', () => {
    for (const kept of [
      ...['{"flic_token":"a"}', '{"api_key":""}', '{"api_key":1}', '{"api_key":null}', '["api_key"]'],
      ...['', 'null', '"a secret"', 'a secret', '{"api_key":"a secret'],
    ])
      assert.equal(readKey('upload_post', kept), null, kept);
    assert.equal(readKey('test', '{"api_key":"a"}'), null);
  });
});
