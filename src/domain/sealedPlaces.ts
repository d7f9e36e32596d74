/** What sealed texts are tied to, as `Sealer` has it: the row that keeps them. */
export const webhookUrlPlace = (webhookId: string): string => `webhooks/${webhookId}`;
export const webhookSecretPlace = (secretId: string): string => `webhook_secrets/${secretId}`;
export const sourceUrlPlace = (videoId: string): string => `videos/${videoId}`;
/** Of one owner's row alone: under another owner the same row opens nothing. */
export const credentialsPlace = (userId: string, accountId: string): string =>
  `users/${userId}/accounts/${accountId}`;
