import { DefaultFailureConverter, type PayloadConverter, type ProtoFailure } from '@temporalio/common';

/**
 * Keeps stack traces out of histories: they show source paths to everybody who can open the Web UI.
 * The log has them, with the request id.
 */
class FailureConverterWithoutTraces extends DefaultFailureConverter {
  override errorToFailure(error: unknown, payloadConverter: PayloadConverter): ProtoFailure {
    return withoutTrace(super.errorToFailure(error, payloadConverter));
  }
}

function withoutTrace(failure: ProtoFailure): ProtoFailure {
  failure.stackTrace = '';
  if (failure.cause) withoutTrace(failure.cause);
  return failure;
}

export const failureConverter = new FailureConverterWithoutTraces();
