#!/bin/sh
# Verifies one delivery: verifyWebhook.sh SECRET WEBHOOK-ID WEBHOOK-TIMESTAMP WEBHOOK-SIGNATURE < BODY
# An own program of Standard Webhooks' rule, of nothing but a shell and OpenSSL.
set -eu
key=$(printf '%s' "${1#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
expected=$({ printf '%s.%s.' "$2" "$3"; cat; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
for signature in $4; do
  [ "$signature" = "v1,$expected" ] && exit 0
done
exit 1
