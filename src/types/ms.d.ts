/**
 * The `ms` package ships types that its export map hides, so under nodenext every `Duration` of the
 * Temporal SDK would silently become `any`. This declaration brings the check back.
 */
declare module 'ms' {
  type Unit =
    | 'ms'
    | 'msec'
    | 'msecs'
    | 'millisecond'
    | 'milliseconds'
    | 's'
    | 'sec'
    | 'secs'
    | 'second'
    | 'seconds'
    | 'm'
    | 'min'
    | 'mins'
    | 'minute'
    | 'minutes'
    | 'h'
    | 'hr'
    | 'hrs'
    | 'hour'
    | 'hours'
    | 'd'
    | 'day'
    | 'days'
    | 'w'
    | 'week'
    | 'weeks'
    | 'y'
    | 'yr'
    | 'yrs'
    | 'year'
    | 'years';
  namespace ms {
    type StringValue = `${number}` | `${number}${Unit}` | `${number} ${Unit}`;
  }
  export = ms;
  function ms(value: ms.StringValue): number;
}
