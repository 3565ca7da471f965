/** Why a package is not made. */
export type PackagingCode =
  | 'not_elf'
  | 'wrong_machine'
  | 'wrong_abi'
  | 'wrong_library'
  | 'symbol_too_new'
  | 'cannot_build'
  | 'does_not_load'
  | 'not_bundled'
  | 'too_large'
  | 'unknown_architecture';

/** Stops the build; nothing is left that could be deployed. */
export class PackagingError extends Error {
  readonly code: PackagingCode;

  constructor(code: PackagingCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PackagingError';
    this.code = code;
  }
}
