/** The words and rules of deliveries to webhooks, by the Standard Webhooks specification (standardwebhooks.com, 1.0.0). */

/** A `ping` is sent because somebody asked whether it works; it is no event. */
export const DELIVERY_KINDS = ['event', 'ping'] as const;
export type DeliveryKind = (typeof DELIVERY_KINDS)[number];

/** `cancelled`: the webhook was disabled, or the event is no longer kept. */
export const DELIVERY_STATES = ['pending', 'succeeded', 'failed', 'cancelled'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** What a ping is called; it is no type of event. */
export const PING_TYPE = 'webhook.ping';
