import type { RenderedPage, SharePage } from '../sharePage.ts';

const SENTENCES = {
  expired: 'This link has expired.',
  revoked: 'This link was taken back.',
  used_up: 'This link was used as often as it may be.',
  missing: 'There is nothing here.',
} as const;

/** Gives the page for people at the address of a share. */
export function renderPage(page: SharePage): RenderedPage {
  const text = page.kind === 'ended' ? SENTENCES[page.reason] : toHtml(page.title);
  return {
    html: `<!doctype html><html lang="en"><meta charset="utf-8"><title>${text}</title><p>${text}</p></html>`,
    contentSecurityPolicy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  };
}

const toHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
