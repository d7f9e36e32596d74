import { type Html, html } from './html.ts';

/** Drawn on a field of 24 by 24. */
const SHAPES = {
  play: 'M8 5.2v13.6a.6.6 0 0 0 .92.5l10.6-6.8a.6.6 0 0 0 0-1L8.92 4.7A.6.6 0 0 0 8 5.2z',
  pause:
    'M7 5h3a.8.8 0 0 1 .8.8v12.4a.8.8 0 0 1-.8.8H7a.8.8 0 0 1-.8-.8V5.8A.8.8 0 0 1 7 5zm7 0h3a.8.8 0 0 1 .8.8v12.4a.8.8 0 0 1-.8.8h-3a.8.8 0 0 1-.8-.8V5.8A.8.8 0 0 1 14 5z',
  sound:
    'M4 9.6v4.8c0 .3.3.6.6.6h2.9l4 3.7c.4.4 1 .1 1-.4V5.7c0-.5-.6-.8-1-.4l-4 3.7H4.6a.6.6 0 0 0-.6.6zM15 8.6v6.8a4 4 0 0 0 0-6.8zM15 4.5v1.9a6 6 0 0 1 0 11.2v1.9a7.8 7.8 0 0 0 0-15z',
  silence:
    'M4 9.6v4.8c0 .3.3.6.6.6h2.9l4 3.7c.4.4 1 .1 1-.4V5.7c0-.5-.6-.8-1-.4l-4 3.7H4.6a.6.6 0 0 0-.6.6zM20.6 9.7l-1.3-1.3-2.2 2.3-2.3-2.3-1.2 1.3 2.2 2.3-2.2 2.3 1.2 1.2 2.3-2.2 2.2 2.2 1.3-1.2-2.3-2.3z',
  captions:
    'M4.5 5h15A1.5 1.5 0 0 1 21 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5v-11A1.5 1.5 0 0 1 4.5 5zM6 11v1.8h3V11zm5 0v1.8h7V11zm-5 3.7v1.8h7v-1.8zm9 0v1.8h3v-1.8z',
  enlarge: 'M4 4h6v2H6v4H4zm10 0h6v6h-2V6h-4zM4 14h2v4h4v2H4zm14 0h2v6h-6v-2h4z',
  shrink: 'M8 4h2v6H4V8h4zm6 0h2v4h4v2h-6zM4 14h6v6H8v-4H4zm10 0h6v2h-4v4h-2z',
  download:
    'M11 4h2v8.2l3-3 1.4 1.4-5.4 5.4-5.4-5.4L8 9.2l3 3zM5 17h2v2h10v-2h2v3a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1z',
} as const;

export type IconName = keyof typeof SHAPES;

/** A picture that says nothing by itself: its button has a name. */
export const icon = (name: IconName): Html =>
  html`<svg class="icon icon-${name}" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false"><path fill-rule="evenodd" d="${SHAPES[name]}"/></svg>`;
