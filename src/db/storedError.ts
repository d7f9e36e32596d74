/** Why something failed, as its row keeps it. */
export interface StoredError {
  code: string;
  message: string;
  retryable: boolean;
}

export const NO_ERROR = { errorCode: null, errorMessage: null, errorRetryable: null };

export const errorColumns = ({ code, message, retryable }: StoredError) => ({
  errorCode: code,
  errorMessage: message,
  errorRetryable: retryable,
});
